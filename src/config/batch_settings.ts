import { z } from "zod";
import type { Report } from "./config_error.ts";
import type { BatchSettings } from "./settings.ts";

const defaults = { maxMessages: 100, maxWaitSeconds: 0.5, maxBytes: 1_048_576 };

/** Under `batch` of a target in a file. At most 1,000 messages, so that what the target says of each can be read. */
export const batchSchema = z.strictObject({
  max_messages: z.number().int().min(1).max(1_000).nullish()
    .describe(`messages in one request (default ${defaults.maxMessages})`),
  max_wait_seconds: z.number().nonnegative().max(60).nullish()
    .describe(`the first one waits this long for others (default ${defaults.maxWaitSeconds})`),
  max_bytes: z.number().int().min(1).nullish()
    .describe(`bytes of bodies in one request (default ${defaults.maxBytes})`),
  format: z.enum(["json", "ndjson", "cloudevents"]).nullish()
    .describe("how they are written (default json)"),
});

export function readBatch(given: z.infer<typeof batchSchema>): BatchSettings {
  return {
    maxMessages: given.max_messages ?? defaults.maxMessages,
    maxWaitMs: (given.max_wait_seconds ?? defaults.maxWaitSeconds) * 1000,
    maxBytes: given.max_bytes ?? defaults.maxBytes,
    format: given.format ?? "json",
  };
}

/** Reports a batch that can never fill, since less may be in hand at a time. `path` is where the target stands. */
export function checkBatchWindow(
  path: string,
  batch: BatchSettings,
  window: { readonly maxMessages: number; readonly maxBytes: number },
  report: Report,
): void {
  const check = (key: string, wanted: number, windowKey: string, possible: number) => {
    if (wanted <= possible) return;
    report(
      `${path}.batch.${key}: ${wanted} is more than ${windowKey}, ${possible}: such a batch never ` +
        `fills; lower the one or raise the other`,
    );
  };
  check("max_messages", batch.maxMessages, "max_queue_messages", window.maxMessages);
  check("max_bytes", batch.maxBytes, "max_queue_bytes", window.maxBytes);
}
