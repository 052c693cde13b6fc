import { EventSourceParserStream } from "eventsource-parser/stream";
import jsonpatch from "fast-json-patch";

/** Call show(document) whenever it has changed, until the conversation is deleted or the connection ends. */
export async function follow(server, name, token, show) {
  const response = await fetch(`${server}/conversations/${encodeURIComponent(name)}/changes?patch=rfc6902`, {
    headers: token ? { Authorization: `Bearer ${token}` } : {},
  });
  if (!response.ok) throw new Error((await response.json()).error.message);
  const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  const reader = events.getReader();
  for (let document, { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    const data = JSON.parse(value.data);
    if (value.event === "gone") return;
    document = value.event === "snapshot" ? data : jsonpatch.applyPatch(document, data.patch).newDocument;
    show(document);
  }
}
