/** Requests to the server, with the token that the page was opened with. */

import { token } from "./address.js";

/** What the server answered, when it was not what was asked for. */
export class ApiError extends Error {
  /** @param {number} status 0: the server could not be reached */
  constructor(status, message, headers = new Headers()) {
    super(message);
    this.status = status;
    this.wait = Number(headers.get("Retry-After")) || 1; // seconds
    this.kept = Number(headers.get("Events-Kept")) || 0; // of the events that were sent
  }
}

/** Return the address of something of one conversation, or of all. */
export function conversationPath(id, rest = "") {
  return `conversations/${encodeURIComponent(id)}${rest}`;
}

/** Ask for JSON. @throws {ApiError} */
export async function getJson(path, { signal } = {}) {
  const response = await request(path, { signal });
  return response.json();
}

/** Send text, and return the JSON that is answered. @throws {ApiError} */
export async function postText(path, text, type) {
  const response = await request(path, { method: "POST", body: text, headers: { "Content-Type": type } });
  return response.json();
}

/** Ask, and return the response once it says that all is well. @throws {ApiError} */
export async function request(path, { headers = {}, ...options } = {}) {
  const known = token();
  if (known) headers = { ...headers, Authorization: `Bearer ${known}` };
  let response;
  try {
    response = await fetch(new URL(path, document.baseURI), { cache: "no-store", ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The server does not answer. Is `rtstate serve` still running?");
  }
  if (!response.ok) throw new ApiError(response.status, await messageOf(response), response.headers);
  return response;
}

async function messageOf(response) {
  try {
    const { error } = await response.json();
    if (typeof error.message === "string") return error.message;
  } catch {
    // not JSON: somebody between the server and the page answered
  }
  return `The server answered ${response.status} ${response.statusText}`.trim();
}
