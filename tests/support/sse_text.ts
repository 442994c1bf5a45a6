import type { SseDecoder } from "../../src/protocol/sse.ts";

/** An event with its data as text. */
export interface TextEvent {
  readonly event: string;
  readonly data: string;
  readonly lastEventId: string;
}

/** The events that this chunk completes. */
export function readText(decoder: SseDecoder, chunk: Uint8Array<ArrayBuffer>): TextEvent[] {
  const text = new TextDecoder("utf-8", { ignoreBOM: true });
  return decoder.read(chunk).map(({ event, bytes, lastEventId }) => ({
    ...{ event, data: text.decode(bytes), lastEventId },
  }));
}
