import type { DeadLetter, Envelope, Lifetime, Outcome } from "../flow.ts";
import type { Observe } from "../observe/events.ts";
import { about } from "../protocol/about.ts";
import type { Deliver } from "./deliver.ts";
import type { Route, Target } from "./target.ts";

/** Where dead letters are kept. */
export interface Letters {
  of(messageId: string): readonly DeadLetter[];
  drop(messageId: string, target: string): Promise<unknown>;
  replace(letter: DeadLetter): Promise<void>;
}

export interface ReplayOptions {
  readonly letters: Letters;
  /** Messages that came to their end, where they are kept. */
  readonly last: { of(messageId: string): Envelope | undefined } | undefined;
  readonly route: Route;
  readonly deliver: Deliver;
  /** The target has what was a dead letter: should it come again, it is not to be asked. */
  readonly remember: (envelope: Envelope, target: string) => Promise<void>;
  readonly observe: Observe;
}

/** What became of a message at one target. */
export interface Replayed {
  readonly target: string;
  readonly outcome: Outcome;
}

/**
 * Delivers a message as the first time: the same request, the target's own retries and breaker. Of a dead letter
 * to the target it is for: what is delivered is dropped; what is not stays, with what is known now. Another one
 * that is kept goes to all its targets. Undefined when it is neither, "under_way" when it is being replayed already.
 */
export type Replay = (
  messageId: string,
  life: Lifetime,
) => Promise<readonly Replayed[] | "under_way" | undefined>;

export function createReplay(options: ReplayOptions): Replay {
  const { letters, last, route, deliver, remember, observe } = options;
  const underWay = new Set<string>();

  return async (messageId, life) => {
    if (underWay.has(messageId)) return "under_way";
    const found = letters.of(messageId);
    const envelope = last?.of(messageId);
    if (found.length === 0 && !envelope) return undefined;
    underWay.add(messageId);
    try {
      if (found.length === 0 && envelope) return await onceMore(envelope, life);
      return (await Promise.all(found.map((letter) => replayOne(letter, life)))).flat();
    } finally {
      underWay.delete(messageId);
    }
  };

  async function replayOne(letter: DeadLetter, life: Lifetime): Promise<Replayed[]> {
    const { envelope } = letter;
    const targets = targetsOf(letter);
    if (targets.length === 0) {
      const message = `the target ${JSON.stringify(letter.target)} is not configured any more`;
      const reason = { code: "no_target", message } as const;
      return [{ target: letter.target, outcome: { kind: "rejected", reason } }];
    }
    const results = await Promise.all(targets.map(async (target) => {
      const { outcome, attempts, response } = await deliver(envelope, target, life);
      const delivered = outcome.kind === "delivered";
      // Of a target that was not asked there is nothing new to know.
      const isNew = attempts > 0 || target.name !== letter.target;
      if (!delivered && isNew) {
        const { reason } = outcome;
        const all = letter.attempts + attempts;
        await letters.replace({ envelope, target: target.name, reason, attempts: all, response });
      } else if (delivered) {
        await remember(envelope, target.name);
        if (target.name === letter.target) await letters.drop(envelope.id, target.name);
      }
      observe({
        type: "dead_letter.replayed",
        ...about(envelope),
        target: target.name,
        delivered,
      });
      return { target: target.name, outcome };
    }));
    // One that no target had been asked for is now with each of them, or has a letter of its own there.
    if (letter.target === "") await letters.drop(envelope.id, "");
    return results;
  }

  function onceMore(envelope: Envelope, life: Lifetime): Promise<Replayed[]> {
    const targets = route(envelope.webhookId)?.targets ?? [];
    return Promise.all(targets.map(async (target) => {
      const { outcome } = await deliver(envelope, target, life);
      const delivered = outcome.kind === "delivered";
      observe({ type: "delivery.replayed", ...about(envelope), target: target.name, delivered });
      return { target: target.name, outcome };
    }));
  }

  function targetsOf({ envelope, target }: DeadLetter): readonly Target[] {
    const targets = route(envelope.webhookId)?.targets ?? [];
    return target === "" ? targets : targets.filter(({ name }) => name === target);
  }
}
