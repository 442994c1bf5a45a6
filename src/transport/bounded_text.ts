import type { FetchResponse } from "../runtime/fetch.ts";

const maxBytes = 64 * 1024;
const decoder = new TextDecoder();

/**
 * The text of a response, at most 64 KiB of it; the rest is thrown away with the connection. Reading to the
 * end is what lets the connection be used again.
 */
export async function boundedText({ body }: Pick<FetchResponse, "body">): Promise<string> {
  const whole = body.takeWhole();
  if (whole) return textOf(whole);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes >= maxBytes) break;
  }
  return textOf(chunks);
}

function textOf(chunks: readonly Uint8Array[]): string {
  const [only] = chunks;
  const bytes = chunks.length === 1 && only ? only : Buffer.concat(chunks);
  return decoder.decode(bytes.subarray(0, maxBytes));
}
