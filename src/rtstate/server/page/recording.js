/** Recordings, cut into batches that a server takes: whole lines, blank ones skipped. */

export const BATCH = 1 << 20; // bytes
const LINES = 5_000; // of a batch: a server takes so many in a second
const NAME = 190; // characters: a server takes 200, and a number may follow

/** A file is no recording; the message says where and why. */
export class NotARecording extends Error {}

/**
 * Yield the batches of a recording, read piece by piece.
 * @param {Blob} file
 * @returns {AsyncGenerator<{text: string, lines: number, read: number}>} `read`: bytes of the file so far
 * @throws {NotARecording} before anything was yielded, if its first line is no event
 */
export async function* batches(file, size = BATCH) {
  const encoder = new TextEncoder();
  let batch = [];
  let weight = 0;
  let number = 0;
  let checked = false;
  let read = 0;
  for await (const [line, at] of linesOf(file)) {
    number += 1;
    if (line.trim() === "") continue;
    if (!checked) check(line, number);
    checked = true;
    const length = encoder.encode(line).length + 1;
    if (batch.length === LINES || (batch.length && weight + length > size)) {
      yield { text: batch.join("\n"), lines: batch.length, read };
      batch = [];
      weight = 0;
    }
    batch.push(line);
    weight += length;
    read = at;
  }
  if (!checked) throw new NotARecording("It is empty.");
  yield { text: batch.join("\n"), lines: batch.length, read: file.size };
}

/** Yield each line, and how much of the file had been read for it. */
async function* linesOf(file) {
  const reader = file.stream().getReader();
  const decoder = new TextDecoder("utf-8");
  let rest = "";
  let read = 0;
  for (;;) {
    const { done, value } = await reader.read();
    rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
    read += value?.length ?? 0;
    const lines = rest.split("\n");
    rest = done ? "" : lines.pop();
    for (const line of lines) yield [line.endsWith("\r") ? line.slice(0, -1) : line, read];
    if (done) return;
  }
}

/** An event is an object with a type; a recorded one may have its time beside it. */
function check(line, number) {
  const hint = "A recording has one JSON event a line, as `rtstate record` writes them.";
  let value;
  try {
    value = JSON.parse(line.replace(/^\uFEFF/, ""));
  } catch {
    throw new NotARecording(`Line ${number} is not JSON. ${hint}`);
  }
  const event = value?.event ?? value;
  if (typeof event?.type !== "string") {
    throw new NotARecording(`Line ${number} is JSON, but no event: it has no type. ${hint}`);
  }
}

/** Return the name of a conversation for a file. */
export function nameFor(file) {
  const bare = file.name.replace(/\.(jsonl|ndjson|json|log|txt)$/i, "");
  const printable = bare.replace(/\p{Zs}/gu, " ").replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "").replace(/[/\\?#%]/g, "-").trim();
  const name = [...printable].slice(0, NAME).join("").trim();
  return /^\.{0,2}$/.test(name) ? "recording" : name; // "." and ".." are folders in an address
}
