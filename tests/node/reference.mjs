// Feed events to the TypeScript port of the reference reducer, and print what it holds.
//
// Standard input holds a JSON array of events. Prints {"items": [[id, words], ...], "errors": [...], "known": ...}:
// the words of each item, what was thrown, and how many types of events it has a processor for.

import { readFileSync } from "node:fs";

import { RealtimeConversation } from "openai-realtime-api";

const conversation = new RealtimeConversation();
const errors = [];
for (const event of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    conversation.processEvent(event);
  } catch (error) {
    errors.push(error.message);
  }
}
const items = conversation.getItems().map(({ id, formatted }) => [id, formatted.transcript || formatted.text]);
console.log(JSON.stringify({ items, errors, known: Object.keys(conversation.EventProcessors).length }));
