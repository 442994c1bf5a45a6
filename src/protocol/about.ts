import type { Envelope } from "./envelope.ts";
import { traceIdOf } from "./trace_context.ts";

/** What every event about a message tells of it. */
export interface About {
  readonly messageId: string;
  readonly webhookId: string;
  readonly traceId?: string;
}

type Known = Pick<Envelope, "id" | "webhookId" | "headers">;

const known = new WeakMap<Known, About>();

/** The headers of a message are read for its trace once, however often it is spoken of. */
export function about(envelope: Known): About {
  const before = known.get(envelope);
  if (before) return before;
  const traceId = traceIdOf(envelope.headers);
  const made = {
    messageId: envelope.id,
    webhookId: envelope.webhookId,
    ...(traceId !== undefined && { traceId }),
  };
  known.set(envelope, made);
  return made;
}
