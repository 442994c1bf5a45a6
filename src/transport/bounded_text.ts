import type { FetchResponse } from "../runtime/fetch.ts";

const maxBytes = 64 * 1024;

/**
 * The text of a response, at most 64 KiB of it; the rest is thrown away with the connection. Reading to the
 * end is what lets the connection be used again.
 */
export async function boundedText({ body }: Pick<FetchResponse, "body">): Promise<string> {
  // Most are here already, in one piece.
  const chunks = [...body.takeWhole() ?? []];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes >= maxBytes) break;
  }
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, maxBytes));
}
