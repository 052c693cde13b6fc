/**
 * JSON Patch on a document that is changed in place: `add`, `replace`, `remove` of RFC 6902, and `append`,
 * which appends to a text. That is all that the server sends.
 */

/** An operation does not fit the document. What was applied before it stays: fetch the document anew. */
export class PatchError extends Error {}

const INDEX = /^(0|[1-9][0-9]*)$/;
const BAD_ESCAPE = /~(?![01])/;

/**
 * Apply operations to a document, and return it: another one only where an operation replaces the whole.
 * @param {any} document changed in place
 * @param {{op: string, path: string, value?: any}[]} operations
 * @throws {PatchError}
 */
export function applyPatch(document, operations) {
  for (const operation of operations) {
    const keys = keysOf(operation.path);
    if (keys.length === 0) {
      document = applyToWhole(document, operation);
    } else {
      let holder = document;
      for (let at = 0; at < keys.length - 1; at++) holder = childOf(holder, keys[at], operation);
      applyTo(holder, keys[keys.length - 1], operation);
    }
  }
  return document;
}

/**
 * Return the keys of a JSON Pointer.
 * @param {string} path
 * @returns {string[]}
 */
export function keysOf(path) {
  if (path === "") return [];
  if (typeof path !== "string" || path[0] !== "/" || BAD_ESCAPE.test(path)) {
    throw new PatchError(`not a path: ${JSON.stringify(path)}`);
  }
  const keys = path.slice(1).split("/");
  return path.includes("~") ? keys.map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~")) : keys;
}

/** Return the JSON Pointer of some keys. @param {(string|number)[]} keys */
export function pathOf(keys) {
  return keys.map((key) => "/" + String(key).replaceAll("~", "~0").replaceAll("/", "~1")).join("");
}

function applyToWhole(document, operation) {
  if (operation.op === "add" || operation.op === "replace") return operation.value;
  if (operation.op === "append" && typeof document === "string") return document + operation.value;
  throw misfit(operation, "the whole document can only be replaced");
}

function applyTo(holder, key, operation) {
  const { op, value } = operation;
  if (Array.isArray(holder)) {
    const index = key === "-" && op === "add" ? holder.length : indexOf(key, operation);
    if (index >= holder.length + (op === "add" ? 1 : 0)) {
      throw misfit(operation, `there are ${holder.length} entries`);
    }
    if (op === "add") holder.splice(index, 0, value);
    else if (op === "remove") holder.splice(index, 1);
    else holder[index] = replaced(holder[index], operation);
  } else if (isObject(holder)) {
    if (op !== "add" && !Object.hasOwn(holder, key)) throw misfit(operation, "there is no such key");
    if (op === "remove") delete holder[key];
    else put(holder, key, op === "add" ? value : replaced(holder[key], operation));
  } else {
    throw misfit(operation, "nothing there can hold it");
  }
}

function replaced(old, operation) {
  if (operation.op === "replace") return operation.value;
  if (operation.op !== "append") throw misfit(operation, "this page does not know that operation");
  if (typeof old !== "string" || typeof operation.value !== "string") {
    throw misfit(operation, "only a text can be appended to a text");
  }
  return old + operation.value;
}

/** Set a key, also one that means something to JavaScript itself. */
function put(holder, key, value) {
  if (key === "__proto__") {
    Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    holder[key] = value;
  }
}

function childOf(holder, key, operation) {
  if (Array.isArray(holder)) {
    const index = indexOf(key, operation);
    if (index < holder.length) return holder[index];
  } else if (isObject(holder) && Object.hasOwn(holder, key)) {
    return holder[key];
  }
  throw misfit(operation, `there is no ${JSON.stringify(key)} on the way`);
}

function indexOf(key, operation) {
  if (!INDEX.test(key)) throw misfit(operation, `${JSON.stringify(key)} is no place in a list`);
  return Number(key);
}

function isObject(value) {
  return typeof value === "object" && value !== null;
}

function misfit(operation, why) {
  return new PatchError(`${operation.op} ${operation.path}: ${why}`);
}
