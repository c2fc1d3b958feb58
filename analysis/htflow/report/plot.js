// SPDX-License-Identifier: BSD-3-Clause
"use strict";
// A plot of lines over one clock: zoomed and panned by pointer, wheel, touch and keys, with a
// cursor that reads the lines out. The range of y follows what is in sight, unless a box was
// drawn.

const MARGIN = {left: 66, right: 14, top: 16, bottom: 46};
const CLOSEST = 1e-9; // the narrowest window, as a share of the whole range

class Plot {
  // tellCursor(sample or -1) is called as the cursor moves, tellRange(x, y) as the axes do.
  constructor(host, tellCursor, tellRange) {
    Object.assign(this, {host, tellCursor, tellRange, data: null, cursor: -1});
    this.svg = make("svg", {tabindex: 0, role: "img", "aria-describedby": "plot-help"});
    host.append(this.svg);
    this.pointers = new Map();
    this.listen();
    new ResizeObserver(() => this.data && this.draw()).observe(host);
  }

  // data: {x: [n], lines: [{name, y: [n], colour, dash}], events: [{x, name}], xName, yName,
  // xScale, yScale, title}
  show(data, keepView) {
    this.data = data;
    this.xs = Float64Array.from(data.x, data.xScale.to);
    this.whole = range(this.xs);
    if (!keepView || !this.view) {
      this.reset();
    } else {
      this.draw();
    }
  }

  // Nothing to show.
  clear() {
    this.data = null;
  }

  reset() {
    this.view = {x: [...this.whole], y: null};
    this.cursor = -1;
    this.draw();
  }

  // ---- geometry ----

  get size() {
    const width = Math.max(280, this.host.clientWidth);
    return {width, height: Math.round(Math.max(300, Math.min(460, width * 0.55)))};
  }

  frame() {
    const {width, height} = this.size;
    return {left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top,
      bottom: height - MARGIN.bottom};
  }

  // The range of y: of the box, or of what is in sight, the neighbours beyond included.
  rangeY() {
    if (this.view.y) {
      return this.view.y;
    }
    const [low, high] = this.view.x;
    const seen = [];
    for (const line of this.data.lines) {
      for (let i = 0; i < this.xs.length; i++) {
        const near = (this.xs[i + 1] ?? this.xs[i]) >= low && (this.xs[i - 1] ?? this.xs[i]) <= high;
        if (near) {
          seen.push(this.data.yScale.to(line.y[i]));
        }
      }
    }
    const [a, b] = range(seen);
    return [a - 0.04 * (b - a), b + 0.04 * (b - a)];
  }

  place(view, a, b, value) {
    return a + (value - view[0]) / (view[1] - view[0]) * (b - a);
  }

  atX(pixel) {
    const f = this.frame(), [low, high] = this.view.x;
    return low + (pixel - f.left) / (f.right - f.left) * (high - low);
  }

  // ---- drawing ----

  draw() {
    const {width, height} = this.size, f = this.frame();
    const y = this.rangeY();
    this.y = y;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.setAttribute("aria-label", this.data.title);
    this.svg.replaceChildren(
      make("clipPath", {id: "inside"}, make("rect", {x: f.left, y: f.top,
        width: f.right - f.left, height: f.bottom - f.top})),
      ...this.axis(true, this.view.x, f, this.data.xScale, this.data.xName),
      ...this.axis(false, y, f, this.data.yScale, this.data.yName));
    const inside = make("g", {"clip-path": "url(#inside)"});
    for (const event of this.data.events) {
      const x = this.place(this.view.x, f.left, f.right, this.data.xScale.to(event.x));
      if (x >= f.left && x <= f.right) {
        inside.append(make("line", {class: "event", x1: x, x2: x, y1: f.bottom,
          y2: f.bottom - 9}, make("title", {}, event.name)));
      }
    }
    for (const line of this.data.lines) {
      const path = make("path", {class: "line", d: this.path(line, f, y)});
      path.style.stroke = line.colour;
      path.style.strokeDasharray = line.dash;
      inside.append(path);
    }
    this.overlay = make("g");
    this.svg.append(inside, make("rect", {class: "frame", x: f.left, y: f.top,
      width: f.right - f.left, height: f.bottom - f.top}), this.overlay);
    this.drawCursor();
    this.tellRange(this.view.x.map(this.data.xScale.from), y.map(this.data.yScale.from));
  }

  path(line, f, y) {
    let path = "", pen = false, alone = false, last = "";
    const dot = (text) => (alone ? `${text}h0.01` : "");
    for (let i = 0; i < this.xs.length; i++) {
      const value = this.data.yScale.to(line.y[i]);
      if (Number.isNaN(value) || Number.isNaN(this.xs[i])) {
        path += dot("");
        pen = alone = false;
        continue;
      }
      const px = clamp(this.place(this.view.x, f.left, f.right, this.xs[i]), 1e5);
      const py = clamp(this.place(y, f.bottom, f.top, value), 1e5);
      last = `${pen ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`;
      path += last;
      alone = !pen;
      pen = true;
    }
    return path + dot("");
  }

  axis(horizontal, view, f, scale, name) {
    const most = horizontal ? Math.max(3, Math.floor((f.right - f.left) / 90)) : 7;
    const {ticks, offset} = scale.ticks(view[0], view[1], most);
    const parts = [];
    for (const {value, text} of ticks) {
      if (value < view[0] || value > view[1]) {
        continue;
      }
      const at = horizontal ? this.place(view, f.left, f.right, value)
        : this.place(view, f.bottom, f.top, value);
      parts.push(horizontal
        ? make("line", {class: "grid", x1: at, x2: at, y1: f.top, y2: f.bottom})
        : make("line", {class: "grid", x1: f.left, x2: f.right, y1: at, y2: at}));
      parts.push(horizontal
        ? make("text", {class: "tick x", x: at, y: f.bottom + 17, "text-anchor": "middle"}, text)
        : make("text", {class: "tick y", x: f.left - 6, y: at + 4, "text-anchor": "end"}, text));
    }
    const more = offset === null ? "" : `  (beyond ${offset.toPrecision(12).replace(/\.?0+$/, "")})`;
    parts.push(horizontal
      ? make("text", {x: (f.left + f.right) / 2, y: f.bottom + 37, "text-anchor": "middle"},
        name + more)
      : make("text", {x: 14, y: (f.top + f.bottom) / 2, "text-anchor": "middle",
        transform: `rotate(-90 14 ${(f.top + f.bottom) / 2})`}, name + more));
    return parts;
  }

  drawCursor() {
    const f = this.frame();
    this.overlay.replaceChildren();
    if (this.cursor >= 0) {
      const x = this.place(this.view.x, f.left, f.right, this.xs[this.cursor]);
      if (x >= f.left - 1 && x <= f.right + 1) {
        this.overlay.append(make("line", {class: "cursor", x1: x, x2: x, y1: f.top,
          y2: f.bottom}));
        for (const line of this.data.lines) {
          const y = this.place(this.y, f.bottom, f.top,
            this.data.yScale.to(line.y[this.cursor]));
          if (y >= f.top && y <= f.bottom) {
            const dot = make("circle", {cx: x, cy: y, r: 3.5});
            dot.style.fill = line.colour;
            this.overlay.append(dot);
          }
        }
      }
    }
    this.tellCursor(this.cursor);
  }

  // ---- moving ----

  setX(low, high) {
    const whole = this.whole[1] - this.whole[0];
    const width = Math.min(Math.max(high - low, whole * CLOSEST), whole);
    let start = (low + high - width) / 2;
    start = Math.min(Math.max(start, this.whole[0]), this.whole[1] - width);
    this.view = {x: [start, start + width], y: null};
    this.draw();
  }

  // Makes the window so many times as wide, about a place.
  zoom(factor, about) {
    const [low, high] = this.view.x;
    const centre = about ?? (low + high) / 2;
    this.setX(centre - (centre - low) * factor, centre + (high - centre) * factor);
  }

  pan(share) {
    const [low, high] = this.view.x, by = share * (high - low);
    this.setX(low + by, high + by);
  }

  moveCursor(to) {
    this.cursor = Math.max(0, Math.min(this.xs.length - 1, to));
    const x = this.xs[this.cursor], [low, high] = this.view.x;
    if (x < low || x > high) {
      this.setX(x - (high - low) / 2, x + (high - low) / 2);
    }
    this.drawCursor();
  }

  nearest(x) {
    let best = -1;
    for (let i = 0; i < this.xs.length; i++) {
      if (!Number.isNaN(this.xs[i]) &&
          (best < 0 || Math.abs(this.xs[i] - x) < Math.abs(this.xs[best] - x))) {
        best = i;
      }
    }
    return best;
  }

  // ---- listening ----

  listen() {
    const on = (name, handle, options) => this.svg.addEventListener(name, (event) => {
      if (this.data) {
        handle.call(this, event);
      }
    }, options);
    on("pointerdown", this.onDown);
    on("pointermove", this.onMove);
    on("pointerup", this.onUp);
    on("pointercancel", this.onUp);
    on("pointerleave", () => this.pointers.size || this.setCursor(-1));
    on("dblclick", this.reset);
    on("wheel", this.onWheel, {passive: false});
    on("keydown", this.onKey);
  }

  setCursor(sample) {
    this.cursor = sample;
    this.drawCursor();
  }

  at(event) {
    const box = this.svg.getBoundingClientRect();
    return {x: event.clientX - box.left, y: event.clientY - box.top};
  }

  onDown(event) {
    this.svg.setPointerCapture(event.pointerId);
    const at = this.at(event);
    this.pointers.set(event.pointerId, {...at, start: at});
    const touch = event.pointerType === "touch";
    this.mode = touch || event.shiftKey || event.button === 1 ? "pan" : "box";
  }

  onMove(event) {
    const at = this.at(event), pointer = this.pointers.get(event.pointerId);
    if (!pointer) {
      this.setCursor(this.nearest(this.atX(at.x)));
      return;
    }
    const before = [...this.pointers.values()].map((p) => p.x);
    Object.assign(pointer, at);
    const now = [...this.pointers.values()].map((p) => p.x);
    if (now.length === 2) {
      this.pinch(before, now);
    } else if (this.mode === "pan") {
      const f = this.frame();
      this.pan((before[0] - now[0]) / (f.right - f.left));
    } else {
      this.drawBox(pointer.start, at);
    }
  }

  onUp(event) {
    const pointer = this.pointers.get(event.pointerId);
    this.pointers.delete(event.pointerId);
    if (!pointer) {
      return;
    }
    const moved = Math.hypot(pointer.x - pointer.start.x, pointer.y - pointer.start.y);
    if (event.type === "pointerup" && moved < 5) {
      this.setCursor(this.nearest(this.atX(pointer.x)));
    } else if (event.type === "pointerup" && this.mode === "box") {
      this.zoomTo(pointer.start, pointer);
    }
  }

  pinch(before, now) {
    const apart = (xs) => Math.max(20, Math.abs(xs[0] - xs[1]));
    const centre = this.atX((before[0] + before[1]) / 2);
    const f = this.frame();
    const factor = apart(before) / apart(now);
    const [low, high] = this.view.x, width = (high - low) * factor;
    const share = ((now[0] + now[1]) / 2 - f.left) / (f.right - f.left);
    this.setX(centre - share * width, centre + (1 - share) * width);
  }

  // A box that is drawn nearly flat means a range of the clock alone.
  flat(a, b) {
    return Math.abs(a.y - b.y) < 24;
  }

  drawBox(a, b) {
    const f = this.frame(), flat = this.flat(a, b);
    const x = [a.x, b.x].map((v) => Math.min(Math.max(v, f.left), f.right)).sort((p, q) => p - q);
    const y = (flat ? [f.top, f.bottom] : [a.y, b.y])
      .map((v) => Math.min(Math.max(v, f.top), f.bottom)).sort((p, q) => p - q);
    this.overlay.replaceChildren(make("rect", {class: "box", x: x[0], y: y[0],
      width: x[1] - x[0], height: y[1] - y[0]}));
  }

  zoomTo(a, b) {
    const f = this.frame(), flat = this.flat(a, b);
    const x = [this.atX(a.x), this.atX(b.x)].sort((p, q) => p - q);
    const value = (pixel) => this.y[0] +
      (f.bottom - pixel) / (f.bottom - f.top) * (this.y[1] - this.y[0]);
    const y = [value(a.y), value(b.y)].sort((p, q) => p - q);
    this.setX(x[0], x[1]);
    if (!flat) {
      this.view.y = y;
      this.draw();
    }
  }

  // The wheel scrolls the page, unless the plot was clicked into or Ctrl is held.
  onWheel(event) {
    if (event.ctrlKey || document.activeElement === this.svg) {
      event.preventDefault();
      this.zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))),
        this.atX(this.at(event).x));
    }
  }

  onKey(event) {
    const actions = {
      "+": () => this.zoom(0.5, this.cursorX()), "=": () => this.zoom(0.5, this.cursorX()),
      "-": () => this.zoom(2, this.cursorX()), "0": () => this.reset(),
      Escape: () => this.reset(),
      ArrowLeft: () => (event.shiftKey ? this.pan(-0.2) : this.moveCursor(this.cursor - 1)),
      ArrowRight: () => (event.shiftKey ? this.pan(0.2) : this.moveCursor(this.cursor + 1)),
      Home: () => this.moveCursor(0), End: () => this.moveCursor(this.xs.length - 1),
    };
    if (event.key in actions && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      actions[event.key]();
    }
  }

  cursorX() {
    return this.cursor >= 0 ? this.xs[this.cursor] : undefined;
  }
}

const clamp = (value, most) => Math.max(-most, Math.min(most, value));

// Least and largest of what is a number; something to look at where they are equal or none.
function range(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (Number.isFinite(value)) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (low > high) {
    return [0, 1];
  }
  return low < high ? [low, high] : [low - 0.5, high + 0.5];
}
