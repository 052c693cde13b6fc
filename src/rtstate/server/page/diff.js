/** What changed between two documents, as operations: for the view of one revision beside the one before. */

import { pathOf } from "./patch.js";

/**
 * Return the operations that lead from one JSON value to another; growing texts as `append`.
 * Cost: the size of what differs, and a look at all the rest.
 * @returns {{op: string, path: string, value?: any, keys: (string|number)[]}[]}
 */
export function diff(before, after) {
  const found = [];
  compare(before, after, [], found);
  return found;
}

function compare(before, after, keys, found) {
  if (before === after) return;
  if (typeof before === "string" && typeof after === "string" && before && after.startsWith(before)) {
    found.push(operation("append", keys, after.slice(before.length)));
  } else if (Array.isArray(before) && Array.isArray(after)) {
    compareLists(before, after, keys, found);
  } else if (isPlain(before) && isPlain(after)) {
    compareObjects(before, after, keys, found);
  } else {
    found.push(operation("replace", keys, after));
  }
}

function compareObjects(before, after, keys, found) {
  for (const key of Object.keys(before)) {
    if (!Object.hasOwn(after, key)) found.push(operation("remove", [...keys, key]));
  }
  for (const key of Object.keys(after)) {
    if (Object.hasOwn(before, key)) compare(before[key], after[key], [...keys, key], found);
    else found.push(operation("add", [...keys, key], after[key]));
  }
}

/** Lists differ in one run of entries, as a rule: what is alike at both ends is left alone. */
function compareLists(before, after, keys, found) {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && same(before[head], after[head])) head++;
  let tail = 0;
  while (tail < shorter - head && same(before.at(-1 - tail), after.at(-1 - tail))) tail++;
  const paired = shorter - head - tail;
  for (let at = head; at < head + paired; at++) compare(before[at], after[at], [...keys, at], found);
  for (let at = before.length - tail - 1; at >= head + paired; at--) {
    found.push(operation("remove", [...keys, at]));
  }
  for (let at = head + paired; at < after.length - tail; at++) {
    found.push(operation("add", [...keys, at], after[at]));
  }
}

function operation(op, keys, value) {
  const made = { op, path: pathOf(keys), keys };
  return op === "remove" ? made : { ...made, value };
}

function same(one, other) {
  if (one === other) return true;
  const found = [];
  if (typeof one === "object" && typeof other === "object") compare(one, other, [], found);
  else return false;
  return found.length === 0;
}

function isPlain(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
