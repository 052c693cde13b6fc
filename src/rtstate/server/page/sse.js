/** Server-sent events from a stream of bytes, as `EventSource` reads them, but with headers of our own. */

/**
 * Return a parser: it takes text as it comes, in whatever pieces, and calls back for each event.
 * @param {(event: {type: string, data: string, id: string}) => void} found
 */
export function parser(found) {
  let rest = "";
  let type = "";
  let data = [];
  let id = "";

  function line(text) {
    if (text === "") {
      if (data.length) found({ type: type || "message", data: data.join("\n"), id });
      type = "";
      data = [];
      return;
    }
    const colon = text.indexOf(":");
    if (colon === 0) return; // a comment, which keeps the line open
    const field = colon < 0 ? text : text.slice(0, colon);
    let value = colon < 0 ? "" : text.slice(colon + 1);
    if (value[0] === " ") value = value.slice(1);
    if (field === "data") data.push(value);
    else if (field === "event") type = value;
    else if (field === "id" && !value.includes("\0")) id = value;
  }

  return function feed(text) {
    rest += text;
    let start = 0;
    for (;;) {
      const end = lineEnd(rest, start);
      if (end < 0) break;
      line(rest.slice(start, end));
      start = end + (rest[end] === "\r" && rest[end + 1] === "\n" ? 2 : 1);
    }
    rest = rest.slice(start);
  };
}

/** Where the line ends; -1 while that is not certain: after a CR an LF may follow in the next piece. */
function lineEnd(text, start) {
  const lf = text.indexOf("\n", start);
  const cr = text.indexOf("\r", start);
  if (cr < 0 || (lf >= 0 && lf < cr)) return lf;
  return cr === text.length - 1 ? -1 : cr;
}

/**
 * Read a response until it ends.
 * @param {ReadableStream<Uint8Array>} body
 * @param {(event: {type: string, data: string, id: string}) => void} found
 * @param {() => void} alive called for whatever comes, comments among it
 */
export async function readEvents(body, found, alive = () => {}) {
  const feed = parser(found);
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    alive();
    feed(value);
  }
}
