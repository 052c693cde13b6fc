/** Operations on the document, one a line. */

import { make } from "./dom.js";
import { cut } from "./format.js";

const SIGNS = { add: "+", append: "+", remove: "−", replace: "=" };
const MOST = 100;

/** Return a list of operations; without that of the revision, which every change has. */
export function operationList(operations) {
  const told = operations.filter(({ path }) => path !== "/revision");
  if (told.length === 0) return make("p", { class: "aside" }, "It changed nothing.");
  const more = told.length - MOST;
  return make(
    "ul",
    { class: "operations" },
    ...told.slice(0, MOST).map(operationRow),
    more > 0 ? make("li", { class: "aside" }, `and ${more} more`) : null,
  );
}

function operationRow({ op, path, value }) {
  const row = make(
    "li",
    { "data-op": op },
    make("span", { class: "op", title: op }, make("span", { "aria-hidden": "true" }, SIGNS[op] ?? "?")),
    make("span", { class: "hidden" }, `${op} `),
    make("span", { class: "path" }, path || "the whole document"),
  );
  if (value !== undefined) row.append(" ", make("span", { class: "value" }, cut(JSON.stringify(value), 240)));
  return row;
}
