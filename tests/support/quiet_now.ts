import type { Now } from "../../src/observe/status.ts";

/** What a connector that has nothing in hand answers when its status is asked for. */
export function quietNow(): Now {
  return {
    ...{ connectorId: "one", identity: "dev@relay.example", silenceMs: undefined },
    inHand: { messages: 0, bytes: 0 },
    unconfirmed: { size: 0, oldestAgeMs: 0 },
    journal: { place: "memory", problem: undefined, deadLetters: { messages: 0, bytes: 0 } },
  };
}
