/** Stacked bars: one per response, a piece per kind of token. */

import { draw } from "./dom.js";
import { count, short } from "./format.js";

const HEIGHT = 132;
const TOP = 10;
const LEFT = 34;
const MOST = 60; // bars; of more the last ones

/**
 * Draw bars into an SVG element, as wide as it is.
 * @param {SVGElement} svg
 * @param {{name: string, pieces: Record<string, number>}[]} bars
 * @param {Record<string, string>} kinds their names, from the ground up; each is a class of its pieces
 */
export function drawBars(svg, bars, kinds) {
  const shown = bars.slice(-MOST);
  const width = Math.max(svg.clientWidth, 240);
  const highest = Math.max(1, ...shown.map(({ pieces }) => sum(pieces)));
  const top = roundUp(highest);
  const up = (value) => (value / top) * (HEIGHT - TOP - 4);
  const step = Math.min((width - LEFT) / Math.max(shown.length, 1), 34);
  const base = HEIGHT - 4;
  const nodes = [0.5, 1].map((part) => line(part * top, base - up(part * top), width));
  shown.forEach(({ name, pieces }, index) => {
    const x = LEFT + index * step + step * 0.15;
    let y = base;
    const group = draw("g", { class: "one" }, draw("title", {}, describe(name, pieces, kinds)));
    group.append(draw("rect", { class: "hit", x: LEFT + index * step, y: TOP, width: step, height: base - TOP }));
    for (const kind of Object.keys(kinds)) {
      const height = up(pieces[kind] ?? 0);
      if (height <= 0) continue;
      y -= height;
      group.append(
        draw("rect", { class: kind, x: round(x), y: round(y), width: round(step * 0.7), height: round(height) }),
      );
    }
    nodes.push(group);
  });
  nodes.push(draw("line", { class: "axis", x1: LEFT, x2: width, y1: base + 0.5, y2: base + 0.5 }));
  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  svg.replaceChildren(...nodes);
}

function line(value, y, width) {
  return draw(
    "g",
    { class: "grid" },
    draw("line", { x1: LEFT, x2: width, y1: round(y), y2: round(y) }),
    draw("text", { x: LEFT - 6, y: round(y + 3.5), "text-anchor": "end" }, short(value)),
  );
}

function describe(name, pieces, kinds) {
  const told = Object.keys(kinds).filter((kind) => pieces[kind]);
  return [name, ...told.map((kind) => `${kinds[kind]}: ${count(pieces[kind])}`)].join("\n");
}

function sum(pieces) {
  return Object.values(pieces).reduce((all, each) => all + each, 0);
}

/** The next number that is easy to read, and easy to halve. */
function roundUp(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 1.2, 1.6, 2, 3, 4, 6, 8, 10].map((factor) => factor * unit).find((each) => each >= value);
}

const round = (value) => Math.round(value * 10) / 10;
