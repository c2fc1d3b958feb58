// SPDX-License-Identifier: BSD-3-Clause
"use strict";
// Axes: how numbers become places, and which of them are written beside an axis. A scale
// has `to` (number to place, NaN where it has none), `from`, and `ticks(low, high, most)`.

const superscripts = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079";

function power(exponent) {
  const digits = String(Math.abs(exponent)).replace(/\d/g, (digit) => superscripts[digit]);
  return `10${exponent < 0 ? "\u207b" : ""}${digits}`;
}

// 1, 2 or 5 times a power of ten, so that at most so many steps fit.
function niceStep(length, most) {
  const rough = length / most, unit = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((digit) => digit * unit).find((step) => step >= rough * 0.999);
}

// Ticks of [low, high] at even steps; where the numbers differ in late digits alone, they are
// written as distances from the first, which `offset` tells.
function evenTicks(low, high, most) {
  const step = niceStep(high - low, most), found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
    found.push(i * step);
    if (found.length > 50) {
      break;
    }
  }
  const size = Math.max(Math.abs(low), Math.abs(high));
  const far = found.length > 1 && step / size < 1e-4;
  const first = far ? found[0] : 0;
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const write = (value) => {
    const shown = value - first;
    const large = Math.max(size - Math.abs(first) * far, step);
    return large >= 1e6 || large < 1e-3 ? trim(shown.toExponential(2))
      : shown.toFixed(Math.min(digits, 12));
  };
  return {ticks: found.map((value) => ({value, text: (far ? "+" : "") + write(value)})),
    offset: far ? first : null};
}

function trim(text) {
  return text.replace(/\.?0+e/, "e").replace("e+", "e").replace(/^-?0e.*$/, "0");
}

const linear = {
  to: (value) => value,
  from: (place) => place,
  ticks: evenTicks,
};

const logarithmic = {
  to: (value) => (value > 0 ? Math.log10(value) : NaN),
  from: (place) => 10 ** place,
  ticks(low, high, most) {
    if (high - low < 1) { // less than a decade: even steps of the numbers themselves
      const even = evenTicks(10 ** low, 10 ** high, Math.max(2, most - 2));
      return {ticks: even.ticks.map(({value, text}) => ({value: Math.log10(value), text})),
        offset: even.offset};
    }
    const step = Math.max(1, Math.ceil((high - low) / most)), found = [];
    for (let e = Math.ceil(low / step - 1e-9) * step; e <= high + 1e-9; e += step) {
      found.push({value: e, text: power(e)});
    }
    return {ticks: found.length < 3 ? parts(low, high, most) : found, offset: null};
  },
};

// 1, 2 and 5 times the powers of ten between `low` and `high`, or 1 and 3 times, of which at
// most so many fit.
function parts(low, high, most) {
  const found = [[1, 2, 5], [1, 3]].map((digits) => {
    const ticks = [];
    for (let e = Math.floor(low); e <= high; e += 1) {
      for (const digit of digits) {
        const value = e + Math.log10(digit);
        if (value >= low - 1e-9 && value <= high + 1e-9) {
          ticks.push({value, text: (digit > 1 ? `${digit}\u00b7` : "") + power(e)});
        }
      }
    }
    return ticks;
  });
  return found.find((ticks) => ticks.length <= most) ?? found[1];
}

// Linear within `unit` of zero, logarithmic beyond it on both sides.
function bothSides(unit) {
  const to = (value) => Math.asinh(value / unit) / Math.LN10;
  return {
    to,
    from: (place) => unit * Math.sinh(place * Math.LN10),
    ticks(low, high, most) {
      if (high - low < 0.7) {
        const even = evenTicks(this.from(low), this.from(high), Math.max(2, most - 2));
        return {ticks: even.ticks.map(({value, text}) => ({value: to(value), text})),
          offset: even.offset};
      }
      const found = low <= 0 && high >= 0 ? [{value: 0, text: "0"}] : [];
      const start = Math.round(Math.log10(unit));
      const step = Math.max(1, Math.ceil((high - low) / most));
      for (let e = start; e < start + 40; e += step) {
        for (const sign of [-1, 1]) {
          const value = to(sign * 10 ** e);
          if (value >= low && value <= high && Math.abs(value) > 0.4) {
            found.push({value, text: (sign < 0 ? "\u2212" : "") + power(e)});
          }
        }
      }
      return {ticks: found.sort((a, b) => a.value - b.value), offset: null};
    },
  };
}
