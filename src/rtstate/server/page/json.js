/** JSON as it is read best: indented, its keys, texts and numbers told apart. */

import { make } from "./dom.js";

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/g;
const LARGEST = 40_000; // characters; beyond that colours cost more than they tell

/** Return the indented form of a text that is a JSON object or list, else null. */
export function pretty(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null ? JSON.stringify(value, null, 2) : null;
  } catch {
    return null;
  }
}

/** Show JSON text in an element. */
export function paint(node, text) {
  if (text.length > LARGEST) {
    node.textContent = text;
    return;
  }
  const pieces = [];
  let at = 0;
  for (const found of text.matchAll(TOKEN)) {
    if (found.index > at) pieces.push(text.slice(at, found.index));
    const [whole, quoted, colon] = found;
    const kind = quoted === undefined ? "number" : colon === undefined ? "text" : "key";
    pieces.push(make("span", { class: `json-${kind}` }, quoted ?? whole));
    if (colon) pieces.push(colon);
    at = found.index + whole.length;
  }
  pieces.push(text.slice(at));
  node.replaceChildren(...pieces);
}

/** Make a block that shows JSON, and can be scrolled by keys. */
export function block(label, value) {
  const node = make("pre", { class: "json", tabindex: "0", role: "group", "aria-label": label });
  paint(node, JSON.stringify(value, null, 2));
  return node;
}
