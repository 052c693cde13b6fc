/** What has to be written anew, by the paths that operations touched. */

import { keysOf } from "./patch.js";

/**
 * @typedef {{all: boolean, first: boolean, order: boolean, speech: boolean, items: Set<string>}} Dirty
 * @returns {Dirty}
 */
export function clean() {
  return { all: false, first: false, order: false, speech: false, items: new Set() };
}

/** Mark what operations touched. @param {Dirty} dirty */
export function mark(dirty, operations) {
  for (const { path } of operations) {
    const [top, id] = keysOf(path);
    if (top === undefined || (top === "items" && id === undefined)) dirty.all = true;
    else if (top === "items") dirty.items.add(id);
    else if (top === "order") dirty.order = true;
    else if (top === "input_audio") dirty.speech = true;
  }
}
