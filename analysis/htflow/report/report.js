// SPDX-License-Identifier: BSD-3-Clause
"use strict";
// What the page does: choosing a run, drawing it, and the chart of who ran what.

const part = (name) => document.querySelector(`[data-part=${name}]`);

class Viewer {
  constructor() {
    this.run = -1;
    this.drawn = null; // what trajectory() gave
    this.plot = new Plot(part("plot"), (at) => this.readOut(at), (x, y) => this.told(x, y));
    this.controls = Object.fromEntries(["quantity", "panel", "clock", "logx", "logy", "events"]
      .map((name) => [name, part(name)]));
    for (const [name, control] of Object.entries(this.controls)) {
      control.addEventListener("change", () => {
        if (name === "quantity") {
          this.fillPanels();
        }
        this.draw(name !== "clock" && name !== "logx");
      });
    }
    const actions = {in: () => this.plot.zoom(0.5), out: () => this.plot.zoom(2),
      left: () => this.plot.pan(-0.25), right: () => this.plot.pan(0.25),
      all: () => this.plot.reset()};
    for (const button of document.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", actions[button.dataset.zoom]);
    }
    part("previous").addEventListener("click", () => this.show(table.beside(this.run, -1)));
    part("next").addEventListener("click", () => this.show(table.beside(this.run, 1)));
    part("number").max = runCount - 1;
    part("number").addEventListener("change", (event) => this.show(Number(event.target.value)));
  }

  // ---- which run ----

  async show(run) {
    if (!(run >= 0 && run < runCount)) {
      part("number").value = this.run;
      return;
    }
    this.run = run;
    part("number").value = run;
    table.mark(run);
    this.tellRun(run);
    const found = await trajectory(run).catch((error) => ({error}));
    if (run !== this.run) {
      return; // another was chosen meanwhile
    }
    const shown = found !== null && !found.error && found.head.n > 0 &&
      found.head.clocks.length > 0;
    part("drawing").hidden = !shown;
    part("nothing").hidden = shown;
    part("nothing").textContent = shown ? "" : this.whyNot(run, found);
    this.drawn = shown ? found : null;
    this.plot.clear();
    this.tellLaw(found && !found.error ? found.head : null);
    if (shown) {
      this.fill();
      this.draw(false);
    }
  }

  whyNot(run, found) {
    if (found && found.error) {
      return `This browser cannot unpack the trajectory: ${found.error.message}`;
    }
    const {runs, recorded} = report.trajectories;
    if (found || recorded === 0 || !report.hasSamples[run]) {
      return `Run ${run} recorded no trajectory.`;
    }
    return `The trajectory of run ${run} is not in this page, which holds ${tell(runs.length)} of ` +
      `${tell(recorded)}, to stay light. It is in the results file; htflow report --limit MB ` +
      "makes a page with more.";
  }

  tellRun(run) {
    const list = part("facts");
    list.replaceChildren(...columns.map((column) => {
      const value = column.at(run);
      return make("tr", {}, make("th", {scope: "row", title: column.help}, column.label),
        make("td", {class: column.key === "status" ? classOf[value] || "" : ""},
          column.text(run)));
    }));
  }

  // What the checks say of the run.
  tellLaw(head) {
    const law = head && head.law;
    part("law").hidden = !law || !(law.exponents.length || law.learnt.length);
    if (!law) {
      return;
    }
    const row = (first, ...numbers) => make("tr", {}, make("td", {class: "key mono"}, first),
      ...numbers.map((text) => make("td", {class: "n"}, text)));
    const digits = (value) => (value === null ? "not defined" : value.toFixed(5));
    part("exponents").replaceChildren(...law.exponents.map(
      ([node, exponent, expected, factor, points]) =>
        row(node, digits(exponent), digits(expected), digits(factor), tell(points))));
    part("learnt").replaceChildren(...law.learnt.map(
      ([node, component, sample, arc, time, norm]) => row(node, tell(component + 1),
        sample === 0 ? "from the start" : tell(arc), sample === 0 ? "" : far(time), tell(norm))));
  }

  // ---- what of it ----

  fill() {
    const {quantities, clocks} = this.drawn;
    this.options("quantity", quantities.map((quantity) => [quantity.key, quantity.label]));
    const names = report.trajectories.clocks;
    this.options("clock", Object.keys(names).filter((key) => key in clocks)
      .map((key) => [key, names[key]]));
    this.fillPanels();
  }

  options(name, pairs) {
    const select = this.controls[name], before = select.value;
    select.replaceChildren(...pairs.map(([value, text]) => make("option", {value}, text)));
    if (pairs.some(([value]) => value === before)) {
      select.value = before;
    }
  }

  get quantity() {
    return this.drawn.quantities.find((q) => q.key === this.controls.quantity.value);
  }

  fillPanels() {
    const {panels, panel} = this.quantity;
    this.options("panel", panels.map((name, i) => [String(i), name]));
    this.controls.panel.closest("label").hidden = panels.length < 2;
    part("panel-name").textContent = panel || "";
  }

  // ---- drawing ----

  clockScale(values) {
    if (!this.controls.logx.checked) {
      return linear;
    }
    return values.some((value) => value < 0) ? bothSides(unitOf(values)) : logarithmic;
  }

  draw(keepView) {
    if (!this.drawn) {
      return;
    }
    const {clocks, series, head, run} = this.drawn;
    const quantity = this.quantity, clock = this.controls.clock.value;
    const panel = Number(this.controls.panel.value) || 0;
    const names = report.trajectories.clocks;
    const lines = quantity.lines.map((name, i) => ({
      name: quantity.ordered ? `${quantity.line} ${name}` : name,
      y: series[quantity.key][panel][i],
      colour: `var(--${quantity.ordered ? "o" : "k"}${quantity.ordered
        ? spread(i, quantity.lines.length) : i % 8})`,
      dash: quantity.ordered || i < 1 ? "" : ["", "7 3", "2 3", "9 3 2 3"][i % 4],
    })).filter((line) => line.y.some((value) => !Number.isNaN(value)));
    const place = Object.keys(names).indexOf(clock) + 1;
    const events = !this.controls.events.checked ? []
      : head.events.filter((event) => event[place] !== null)
        .map((event) => ({name: event[0], x: event[place]}));
    const where = quantity.panels.length > 1 ? `, ${quantity.panel} ${quantity.panels[panel]}` : "";
    this.lines = lines;
    this.legend(lines, names[clock]);
    this.plot.show({x: clocks[clock], lines, events, xName: names[clock],
      yName: quantity.label + where, xScale: this.clockScale(clocks[clock]),
      yScale: this.controls.logy.checked ? logarithmic : linear,
      title: `${quantity.label}${where} of run ${run} against ${names[clock]}`}, keepView);
    const {n, all} = head;
    part("drawn").textContent = `${tell(n)} samples${all > n ? ` of ${tell(all)}` : ""}, ` +
      `${tell(head.events.length)} events`;
  }

  legend(lines, clock) {
    this.outputs = [];
    const item = (swatch, name) => {
      const output = make("output");
      this.outputs.push(output);
      return make("li", {}, swatch, make("span", {}, name), output);
    };
    part("legend").replaceChildren(item("", clock), ...lines.map((line) => {
      const stroke = make("path", {class: "line", d: "M0 6h26", fill: "none",
        "stroke-width": 2.5});
      stroke.style.stroke = line.colour;
      stroke.style.strokeDasharray = line.dash;
      return item(make("svg", {width: 26, height: 12, "aria-hidden": "true"}, stroke), line.name);
    }));
  }

  readOut(sample) {
    const x = this.drawn.clocks[this.controls.clock.value];
    this.outputs.forEach((output, i) => {
      output.textContent = sample < 0 ? ""
        : i === 0 ? far(x[sample]) : tell(this.lines[i - 1].y[sample]);
    });
  }

  told(x, y) {
    this.plot.svg.dataset.x = JSON.stringify(x);
    this.plot.svg.dataset.y = JSON.stringify(y);
  }
}

// A time that may be long, with the digits in which bursts differ.
const far = (value) => (Math.abs(value) >= 1e5 ? String(Number(value.toPrecision(13)))
  : tell(value));

// The place of one of `count` among the ten colours of an order.
const spread = (i, count) => Math.min(9, Math.round(i * 9 / Math.max(1, count - 1)));

// Where a clock with both signs leaves its linear part: the first step after zero.
function unitOf(values) {
  const after = values.filter((value) => value > 0);
  const first = after.length ? Math.min(...after) : 1;
  return 10 ** Math.floor(Math.log10(first || 1));
}

// ---- who ran what ---------------------------------------------------------------------

function drawChart(canvas) {
  const {start, wall, worker, run, workers} = report.chart;
  const ratio = devicePixelRatio || 1, width = canvas.clientWidth;
  const lane = Math.max(3, Math.min(22, Math.floor(360 / workers))), height = lane * workers + 4;
  canvas.style.height = `${height}px`;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const context = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
  const colours = {done: style.getPropertyValue("--k0"), failed: style.getPropertyValue("--k5")};
  const status = columnOf("status");
  const span = start.reduce((most, at, i) => Math.max(most, at + wall[i]), 0) || 1;
  context.scale(ratio, ratio);
  start.forEach((at, i) => {
    context.fillStyle = colours[status.at(run[i])] || colours.done;
    const x = at / span * width, w = wall[i] / span * width;
    context.fillRect(x, 2 + worker[i] * lane, Math.max(0.4, w - (w > 3 ? 1 : 0)),
      Math.max(2, lane - 2));
  });
}

// ---- the page -------------------------------------------------------------------------

function saveText(name, text) {
  const link = make("a", {href: URL.createObjectURL(new Blob([text])), download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

let viewer = null;
const table = new RunTable(document.getElementById("runs"), (run) => viewer.show(run));
viewer = new Viewer();
viewer.show(report.first);

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-run]");
  if (link) {
    viewer.show(Number(link.dataset.run));
  }
  const save = event.target.closest("button[data-save]");
  if (save) {
    saveText(save.dataset.save, document.getElementById(save.dataset.from).textContent);
  }
});
const chart = part("chart");
if (chart) {
  new ResizeObserver(() => drawChart(chart)).observe(chart);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawChart(chart));
}
addEventListener("beforeprint", () =>
  document.querySelectorAll("details").forEach((details) => { details.open = true; }));
document.documentElement.dataset.ready = performance.now().toFixed(0);
