/** Webhooks to make up: `given` counts, the rest is anything. */
import type { Envelope } from "../../src/flow.ts";
import type { NewMessage } from "../../src/relay/store.ts";

/** As a relay is given it, for the webhook id "hook". */
export function messageWith(given: Partial<NewMessage>): NewMessage {
  return {
    id: "m",
    webhookId: "hook",
    receivedAt: new Date(0).toISOString(),
    method: "POST",
    path: "",
    headers: [],
    body: new Uint8Array(),
    ...given,
  };
}

/** As a connector has it. */
export function envelopeWith(given: Partial<Envelope>): Envelope {
  return { ...messageWith(given), sequence: 1, ...given };
}
