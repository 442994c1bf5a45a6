/** What a connector answers of its dead letters, as far as it is read (docs/DELIVERY.md). */
import { z } from "zod";

/** `dead-letters?limit=N` */
export const listAnswer = z.object({
  dead_letters: z.array(z.looseObject({
    message_id: z.string(),
    webhook_id: z.string(),
    target: z.string(),
    at: z.string(),
    attempts: z.number(),
    reason: z.looseObject({ message: z.string() }),
    bytes: z.number(),
  })),
});
/** `dead-letter-ids` */
export const idsAnswer = z.object({ message_ids: z.array(z.string()) });
/** `dead-letters/ID` */
export const showAnswer = z.object({ dead_letters: z.array(z.unknown()) });
/** `POST dead-letters/ID/replay` */
export const replayAnswer = z.object({
  results: z.array(
    z.object({ target: z.string(), outcome: z.string(), reason: z.string().optional() }),
  ),
});
/** `DELETE dead-letters/ID` */
export const dropAnswer = z.object({ dropped: z.number() });
