// SPDX-License-Identifier: BSD-3-Clause
"use strict";
// The table of runs: sorted by any column, filtered, and only the rows in sight are made.

const ROW = 30; // pixels, as in report.css
const AHEAD = 12;
const marks = {done: "\u2713", failed: "\u2715", pending: "\u2026"};
const classOf = {done: "good", failed: "bad", pending: "wait"};

class RunTable {
  constructor(root, choose) {
    this.box = root.querySelector(".runs");
    this.table = root.querySelector("table");
    this.body = root.querySelector("tbody");
    this.status = root.querySelector("[data-part=count]");
    this.search = root.querySelector("input[type=search]");
    this.choose = choose;
    this.order = Uint32Array.from({length: runCount}, (_, run) => run);
    this.sorting = {}; // {column, down}; column -1: by the number of the run
    this.drawn = [0, 0];
    this.chosen = -1;
    this.focused = 0; // place among the rows shown
    this.makeHead();
    this.box.addEventListener("scroll", () => requestAnimationFrame(() => this.follow()));
    new ResizeObserver(() => this.follow()).observe(this.box);
    this.search.addEventListener("input", () => this.refresh());
    root.querySelectorAll("select").forEach((select) =>
      select.addEventListener("change", () => this.refresh()));
    this.selects = [...root.querySelectorAll("select")];
    this.body.addEventListener("click", (event) => this.onRow(event));
    this.body.addEventListener("keydown", (event) => this.onKey(event));
    addEventListener("beforeprint", () => this.draw(200));
    addEventListener("afterprint", () => this.draw());
    this.sortBy(-1);
  }

  // ---- head ----

  makeHead() {
    const row = this.table.tHead.rows[0];
    let total = 0;
    [null, ...columns].forEach((column, place) => {
      const button = make("button", {type: "button"}, column ? column.label : "run");
      const head = make("th", {scope: "col", title: column ? column.help : "number of the run"},
        button);
      if (!column || column.kind === "number") {
        head.className = "n";
      }
      const width = column ? this.width(column) : 70;
      head.style.width = `${width}px`;
      total += width;
      button.addEventListener("click", () => this.sortBy(place - 1));
      row.append(head);
    });
    this.table.style.width = `${total}px`;
    this.table.setAttribute("aria-colcount", columns.length + 1);
  }

  // Wide enough for the longest of its texts, within reason.
  width(column) {
    let letters = 4;
    const words = column.label.split(" ");
    letters = Math.max(letters, ...words.map((word) => word.length + 2));
    for (let i = 0; i < Math.min(runCount, 400); i++) {
      const run = Math.floor(i * runCount / Math.min(runCount, 400));
      letters = Math.max(letters, column.text(run).length);
    }
    return Math.round(Math.min(letters, column.key === "message" ? 60 : 24) * 8.4) + 22;
  }

  sortBy(column) {
    const again = this.sorting.column === column;
    this.sorting = {column, down: again ? !this.sorting.down : false};
    [...this.table.tHead.rows[0].cells].forEach((cell, place) => {
      if (place - 1 === column) {
        cell.setAttribute("aria-sort", this.sorting.down ? "descending" : "ascending");
      } else {
        cell.removeAttribute("aria-sort");
      }
    });
    this.refresh();
  }

  // ---- which rows ----

  // Words that all must hold: key<number and the like of a column, else a part of a text.
  conditions() {
    const found = this.search.value.trim().toLowerCase().split(/\s+/).filter(Boolean)
      .map((word) => this.condition(word));
    for (const select of this.selects) {
      if (select.value !== "") {
        const column = columnOf(select.dataset.key);
        const wanted = select.selectedOptions[0].dataset.value;
        found.push((run) => String(column.at(run)) === wanted);
      }
    }
    return found;
  }

  condition(word) {
    const parts = word.match(/^([a-z0-9_.]+)(<=|>=|!=|<|>|=|:)(.+)$/);
    const named = parts && columns.find((column) => [column.key, column.label.replace(/ /g, "_")]
      .some((name) => name.toLowerCase() === parts[1].replace(/\./g, "_") ||
                      name.toLowerCase() === parts[1]));
    if (named && named.kind === "number") {
      const number = Number(parts[3]);
      const test = {"<": (v) => v < number, ">": (v) => v > number, "<=": (v) => v <= number,
        ">=": (v) => v >= number, "=": (v) => v === number, ":": (v) => v === number,
        "!=": (v) => v !== number}[parts[2]];
      if (parts[3] === "nan") {
        return (run) => (named.at(run) === null) === (parts[2] !== "!=");
      }
      return (run) => named.at(run) !== null && test(named.at(run));
    }
    const texts = named ? [named] : columns.filter((column) => column.kind === "text");
    const part = named ? parts[3] : word;
    const wanted = !named || parts[2] !== "!=";
    return (run) => (texts.some((column) => column.at(run).toLowerCase().includes(part)) ||
      (!named && String(run) === part)) === wanted;
  }

  refresh() {
    const conditions = this.conditions();
    let shown = Array.from({length: runCount}, (_, run) => run);
    if (conditions.length) {
      shown = shown.filter((run) => conditions.every((holds) => holds(run)));
    }
    const {column, down} = this.sorting;
    const sign = down ? -1 : 1;
    if (column < 0) {
      shown.sort((a, b) => sign * (a - b));
    } else {
      const at = columns[column].at;
      const text = columns[column].kind === "text";
      shown.sort((a, b) => {
        const left = at(a), right = at(b);
        if (left === null || right === null) { // missing ones last, either way
          return (left === null) - (right === null) || a - b;
        }
        return sign * (text ? (left > right) - (left < right) : left - right) || a - b;
      });
    }
    this.order = shown;
    this.focused = 0;
    this.box.scrollTop = 0;
    this.status.textContent = shown.length === runCount ? `${tell(runCount)} runs`
      : `${tell(shown.length)} of ${tell(runCount)} runs`;
    this.table.setAttribute("aria-rowcount", shown.length + 1);
    this.draw();
  }

  // ---- rows in sight ----

  // Which rows are to be there: [first, last), those in sight and some around.
  inSight() {
    const height = Math.max(this.box.clientHeight, 300);
    const first = Math.max(0, Math.floor(this.box.scrollTop / ROW / AHEAD - 1) * AHEAD);
    return [first, Math.min(this.order.length, first + Math.ceil(height / ROW) + 3 * AHEAD)];
  }

  // Draws only where others are in sight: a row under the pointer stays the same row.
  follow() {
    const [first, last] = this.inSight();
    if (first !== this.drawn[0] || last !== this.drawn[1]) {
      this.draw();
    }
  }

  draw(atLeast = 0) {
    this.drawn = atLeast ? [0, Math.min(this.order.length, atLeast)] : this.inSight();
    const [first, last] = this.drawn;
    const held = this.body.contains(document.activeElement);
    const rows = [];
    for (let place = first; place < last; place++) {
      rows.push(this.row(place));
    }
    this.body.replaceChildren(this.gap(first), ...rows, this.gap(this.order.length - last));
    if (this.order.length === 0) {
      this.body.replaceChildren(make("tr", {},
        make("td", {colspan: columns.length + 1}, "no run fits the filter")));
    }
    if (held) {
      this.rowAt(this.focused)?.focus({preventScroll: true});
    }
  }

  gap(rows) {
    const cell = make("td", {class: "gap", colspan: columns.length + 1});
    cell.style.height = `${rows * ROW}px`;
    return make("tr", {"aria-hidden": "true", class: "gap"}, cell);
  }

  row(place) {
    const run = this.order[place];
    const row = make("tr", {"data-run": run, "data-place": place, "aria-rowindex": place + 2,
      "aria-selected": run === this.chosen, tabindex: place === this.focused ? 0 : -1});
    row.append(make("td", {class: "n"}, String(run)));
    for (const column of columns) {
      const value = column.at(run);
      const cell = make("td", {}, column.text(run));
      if (column.kind === "number") {
        cell.className = value === null ? "n quiet" : "n";
      } else if (column.key === "status") {
        cell.className = classOf[value] || "";
        cell.textContent = `${marks[value] || "?"} ${value}`;
      } else {
        cell.title = value;
      }
      row.append(cell);
    }
    return row;
  }

  rowAt(place) {
    return this.body.querySelector(`tr[data-place="${place}"]`);
  }

  // ---- choosing ----

  onRow(event) {
    const row = event.target.closest("tr[data-run]");
    if (row) {
      this.focused = Number(row.dataset.place);
      this.choose(Number(row.dataset.run));
    }
  }

  onKey(event) {
    const steps = {ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12, Home: -Infinity,
      End: Infinity};
    if (event.key in steps) {
      event.preventDefault();
      this.moveTo(this.focused + steps[event.key]);
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.choose(this.order[this.focused]);
    }
  }

  moveTo(place) {
    this.focused = Math.max(0, Math.min(this.order.length - 1, place));
    const top = this.focused * ROW, head = this.table.tHead.offsetHeight;
    const room = this.box.clientHeight - head - ROW;
    if (top < this.box.scrollTop) {
      this.box.scrollTop = top;
    } else if (top > this.box.scrollTop + room) {
      this.box.scrollTop = top - room;
    }
    this.draw();
    this.rowAt(this.focused)?.focus({preventScroll: true});
  }

  // The run that is shown in the plot.
  mark(run) {
    this.chosen = run;
    this.body.querySelectorAll("tr[data-run]").forEach((row) =>
      row.setAttribute("aria-selected", Number(row.dataset.run) === run));
  }

  // The run before or after in the order shown.
  beside(run, step) {
    const place = this.order.indexOf(run);
    return this.order[Math.max(0, Math.min(this.order.length - 1, place + step))];
  }
}
