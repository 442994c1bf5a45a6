import { type Cancel, onAbort } from "../async/abort.ts";

/**
 * The body of a response, chunk by chunk; throws the signal's reason as soon as that is aborted. The signal that
 * was given to `fetch` does not serve for this on Deno 2.9.6: once the answer is there, it is held weakly and may be
 * collected, and a silent stream could not be ended any more (compare denoland/deno#29075).
 */
export async function* bodyChunks(
  response: Response,
  signal: Cancel,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  if (!response.body) return;
  const reader = response.body.getReader();
  const cancel = () => reader.cancel().catch(() => {});
  const undo = onAbort(signal, cancel);
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (signal.aborted) throw signal.reason; // to the reader it looks like the end
      if (done) return;
      yield value;
    }
  } finally {
    undo();
    await cancel();
  }
}
