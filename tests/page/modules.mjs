// Run modules of the page in Node.js: `node modules.mjs TASK`, with the folder of the page and the input as
// JSON on standard input; prints what came out as JSON, or the error's message and status 1.

import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { pathToFileURL } from "node:url";

const { page, input } = JSON.parse(readFileSync(0, "utf8"));
const load = (name) => import(pathToFileURL(`${page}/${name}.js`));

const TASKS = {
  /** Fold patches into one document, which is changed in place, and compare it after each. */
  async fold([first, ...steps]) {
    const { applyPatch } = await load("patch");
    let document = first;
    steps.forEach(({ patch, document: expected }, number) => {
      document = applyPatch(document, patch);
      if (!isDeepStrictEqual(document, expected)) throw new Error(`step ${number + 1} leads elsewhere`);
    });
    return steps.length;
  },

  /** Apply each patch to a copy of a document: what comes out, or the kind of error. */
  async apply(cases) {
    const { applyPatch, PatchError } = await load("patch");
    return cases.map(({ document, patch }) => {
      try {
        return { document: applyPatch(document, patch) };
      } catch (error) {
        if (!(error instanceof PatchError)) throw error;
        return { error: error.message };
      }
    });
  },

  /** What changed from one document to the next; its operations lead there. */
  async diff(documents) {
    const { diff } = await load("diff");
    const { applyPatch } = await load("patch");
    return documents.slice(1).map((after, at) => {
      const operations = diff(documents[at], after);
      const found = applyPatch(structuredClone(documents[at]), operations);
      if (!isDeepStrictEqual(found, after)) throw new Error(`pair ${at + 1} leads elsewhere`);
      return operations;
    });
  },

  /** Times as they are read. */
  async milliseconds(values) {
    const { milliseconds } = await load("format");
    return values.map(milliseconds);
  },

  /** The events of a stream that comes in pieces. */
  async sse(pieces) {
    const { parser } = await load("sse");
    const found = [];
    const feed = parser((event) => found.push(event));
    pieces.forEach(feed);
    return found;
  },

  /** The batches of a file. */
  async batches({ text, size }) {
    const { batches } = await load("recording");
    const found = [];
    for await (const batch of batches(new Blob([text]), size)) found.push(batch);
    return found;
  },

  async names(names) {
    const { nameFor } = await load("recording");
    return names.map((name) => nameFor({ name }));
  },

  async fold_events(events) {
    const { fold } = await load("folding");
    const runs = [];
    for (const event of events) fold(runs, event);
    return runs.map((run) => [run.events.map(({ seq }) => seq), run.item]);
  },

  /** What patches mark as to be drawn anew. */
  async marks(patches) {
    const { clean, mark } = await load("marks");
    return patches.map((patch) => {
      const dirty = clean();
      mark(dirty, patch);
      return { ...dirty, items: [...dirty.items] };
    });
  },
};

try {
  console.log(JSON.stringify(await TASKS[process.argv[2]](input)));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
