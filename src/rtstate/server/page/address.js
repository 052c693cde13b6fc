/** What the address says: `#/c/{id}`, `#/c/{id}/r/{revision}`, and once `#token=…`, which it then forgets. */

const KEY = "rtstate.token";

/** Return the token, or null. */
export function token() {
  return sessionStorage.getItem(KEY);
}

/** Keep a token for as long as this tab is open. */
export function keepToken(value) {
  if (value) sessionStorage.setItem(KEY, value);
  else sessionStorage.removeItem(KEY);
}

/** Take the token out of the address, so that a link that is shared does not hold it. */
export function takeToken() {
  const [, rest, given] = /^#?(?:(.*)&)?token=(.*)$/s.exec(location.hash) ?? [];
  if (given === undefined) return;
  keepToken(decoded(given) ?? given); // typed as it is, perhaps with a % or an & in it
  history.replaceState(null, "", location.pathname + location.search + (rest ? `#${rest}` : ""));
}

/**
 * Return what the address asks for; a revision of null is the live one.
 * @returns {{id: string|null, revision: number|null}}
 */
export function readAddress() {
  const found = /^#\/c\/([^/]+)(?:\/r\/(\d+))?$/.exec(location.hash);
  const id = found && decoded(found[1]);
  if (!id) return { id: null, revision: null };
  return { id, revision: found[2] === undefined ? null : Number(found[2]) };
}

/** Show in the address what is looked at; `replace` makes no new entry in the history. */
export function writeAddress(id, revision = null, { replace = false } = {}) {
  const at = revision === null ? "" : `/r/${revision}`;
  const hash = id === null ? "" : `#/c/${encodeURIComponent(id)}${at}`;
  if (hash === location.hash) return;
  const address = location.pathname + location.search + hash;
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return null; // a lone % that somebody typed
  }
}
