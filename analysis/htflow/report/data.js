// SPDX-License-Identifier: BSD-3-Clause
"use strict";
// What the page holds: columns of the table of runs, and the trajectories' blocks
// (trajectories.py says how these are made).

const report = JSON.parse(document.getElementById("data").textContent);
const columns = report.columns;
const runCount = report.runs;

for (const column of columns) {
  if (column.kind === "text") {
    const {texts, codes} = column.values;
    column.at = column.text = (run) => texts[codes[run]];
  } else {
    const values = column.values;
    column.at = (run) => values[run];
    column.text = (run) => (values[run] === null || column.whole ? tell : tellReal)(values[run]);
  }
}
const columnOf = (key) => columns.find((column) => column.key === key);

// A number as a reader wants it; a missing one as NaN.
function tell(value) {
  if (value === null || value === undefined || Number.isNaN(value)) {
    return "NaN";
  }
  if (typeof value !== "number") {
    return String(value);
  }
  return Number.isInteger(value) && Math.abs(value) < 1e9 ? grouped(value) : tellReal(value);
}

// A number that was measured, not counted.
function tellReal(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) {
    return value.toExponential(2).replace("e+", "e");
  }
  return size >= 1e4 ? grouped(Math.round(value)) : String(Number(value.toPrecision(4)));
}

const grouped = (whole) => String(whole).replace(/\B(?=(\d{3})+$)/g, "\u202f");

// An element with attributes, and texts or elements within.
function make(name, attributes = {}, ...children) {
  const svg = ["svg", "path", "line", "rect", "text", "g", "circle", "clipPath", "title"];
  const element = svg.includes(name)
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

// ---- blocks ---------------------------------------------------------------------------

const blockOf = new Map(report.trajectories.runs.map((run, place) => [run, place]));
let blocks = null;

async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Little-endian numbers whose bytes lie plane by plane.
function fromPlanes(bytes, count, size, read) {
  const joined = new Uint8Array(count * size);
  for (let plane = 0; plane < size; plane++) {
    for (let i = 0; i < count; i++) {
      joined[i * size + plane] = bytes[plane * count + i];
    }
  }
  const view = new DataView(joined.buffer);
  return Float64Array.from({length: count}, (_, i) => read(view, i * size));
}

const readers = {
  "<u2": [2, (view, at) => view.getUint16(at, true)],
  "<f4": [4, (view, at) => view.getFloat32(at, true)],
  "<f8": [8, (view, at) => view.getFloat64(at, true)],
};

// Codes of a series, which are differences, to numbers.
function levels(codes, from, n, [low, high, logarithmic]) {
  const series = new Float64Array(n);
  let code = 0;
  for (let i = 0; i < n; i++) {
    code = (code + codes[from + i]) & 0xffff;
    const level = low + (code - 2) * (high - low) / report.trajectories.levels;
    series[i] = code === 0 ? NaN : code === 1 ? 0 : logarithmic ? Math.exp(level) : level;
  }
  return series;
}

// A run's trajectory: {head, clocks: {key: [n]}, series: {quantity: [panel][line][n]}}; null
// if the page does not hold it.
async function trajectory(run) {
  if (!blockOf.has(run)) {
    return null;
  }
  blocks = blocks || document.getElementById("blocks").textContent.split("\n");
  const bytes = await inflate(blocks[blockOf.get(run)]);
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const quantities = report.trajectories.classes[head.class];
  const lines = (quantity) => quantity.panels.length * quantity.lines.length;
  let at = 4 + length;
  const take = (count, type) => {
    const [size, read] = readers[type];
    at += count * size;
    return fromPlanes(bytes.subarray(at - count * size, at), count, size, read);
  };
  const all = quantities.reduce((sum, quantity) => sum + lines(quantity), 0);
  const codes = take(all * head.n, "<u2");
  const clocks = {};
  for (const key of head.clocks) {
    clocks[key] = take(head.n, report.trajectories.types[key]);
  }
  const series = {};
  let from = 0;
  quantities.forEach((quantity, q) => {
    series[quantity.key] = quantity.panels.map(() => quantity.lines.map(() => {
      from += head.n;
      return levels(codes, from - head.n, head.n, head.scales[q]);
    }));
  });
  return {run, head, quantities, clocks, series};
}
