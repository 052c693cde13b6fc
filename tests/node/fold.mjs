// Fold strict patches with a stock JSON Patch library, and compare with the document after each of them.
//
// Run as `node fold.mjs LIBRARY`. Standard input holds one JSON value a line: the first document, then
// {"patch": [...], "document": {...}} for each change. Prints how many patches were folded, or ends with
// status 1 at the first that is invalid or leads elsewhere.

import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

import fastJsonPatch from "fast-json-patch";
import * as rfc6902 from "rfc6902";

/** Each returns the document after a patch, and throws where an operation is invalid. */
const LIBRARIES = {
  "fast-json-patch": (document, patch) => fastJsonPatch.applyPatch(document, patch, true).newDocument,
  rfc6902: (document, patch) => {
    const failed = rfc6902.applyPatch(document, patch).find((outcome) => outcome !== null);
    if (failed) throw failed;
    return document;
  },
};

const isHolder = (value) => typeof value === "object" && value !== null;

/** Tell where two JSON values first differ, as a path and the two values there. */
function difference(found, expected, path = "") {
  if (isHolder(found) && isHolder(expected) && Array.isArray(found) === Array.isArray(expected)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(found)])) {
      if (!isDeepStrictEqual(found[key], expected[key]) || key in found !== key in expected) {
        return difference(found[key], expected[key], `${path}/${key}`);
      }
    }
  }
  return `${path || "/"} is ${JSON.stringify(found)}, should be ${JSON.stringify(expected)}`;
}

function fold(apply, lines) {
  let document = JSON.parse(lines[0]);
  lines.slice(1).forEach((line, at) => {
    const { patch, document: expected } = JSON.parse(line);
    try {
      document = apply(document, patch);
    } catch (error) {
      throw new Error(`patch ${at + 1} is invalid: ${error.name}: ${error.message}\n${JSON.stringify(patch)}`);
    }
    if (!isDeepStrictEqual(document, expected)) {
      throw new Error(`after patch ${at + 1} the document differs: ${difference(document, expected)}`);
    }
  });
  return lines.length - 1;
}

const apply = LIBRARIES[process.argv[2]];
if (apply === undefined) {
  console.error(`usage: node fold.mjs ${Object.keys(LIBRARIES).join("|")} < stream`);
  process.exit(2);
}
try {
  console.log(fold(apply, readFileSync(0, "utf8").trimEnd().split("\n")));
} catch (error) {
  console.error(`${process.argv[2]}: ${error.message}`);
  process.exit(1);
}
