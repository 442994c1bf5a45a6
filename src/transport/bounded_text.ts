import type { Cancel } from "../async/abort.ts";
import { bodyChunks } from "./body_chunks.ts";

const maxBytes = 64 * 1024;

/**
 * The text of a response, at most 64 KiB of it; the rest is thrown away with the connection. Reading to the
 * end is what lets the connection be used again.
 */
export async function boundedText(response: Response, signal: Cancel): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of bodyChunks(response, signal)) {
    bytes += chunk.byteLength;
    text += decoder.decode(chunk, { stream: true });
    if (bytes >= maxBytes) return text;
  }
  return text + decoder.decode();
}
