/** Long runs of deltas as one line: which events of a list belong together. */

const DELTA = /\.delta$|^input_audio_buffer\.append$/;

/** Return the id of the item that an event changed, or null. */
export function itemOf({ patch }) {
  for (const { path } of patch ?? []) {
    if (path.startsWith("/items/")) return path.split("/", 3)[2];
  }
  return null;
}

/**
 * Put an event at the end of a list of runs: with the last one where both are deltas of one item, or with the
 * one before it, since a microphone goes on while an answer streams.
 * An event of audio that was too short to count names no item; it stays with those of its type.
 * @param {Run[]} runs
 * @param {any} event
 * @returns {Run} the run it is now in
 * @typedef {{events: any[], types: Set<string>, item: string|null, odd: boolean}} Run
 */
export function fold(runs, event) {
  const item = itemOf(event);
  const odd = (event.anomalies?.length ?? 0) > 0;
  for (const last of odd || !isDelta(event.type) ? [] : runs.slice(-2).reverse()) {
    if (last.odd || ![...last.types].every(isDelta)) break;
    if (!belongs(last, event, item)) continue;
    last.events.push(event);
    last.types.add(event.type);
    last.item ??= item;
    return last;
  }
  const run = { events: [event], types: new Set([event.type]), item, odd };
  runs.push(run);
  return run;
}

function belongs(run, event, item) {
  if (item === null || run.item === null) return run.types.has(event.type);
  return run.item === item;
}

function isDelta(type) {
  return DELTA.test(type ?? "");
}
