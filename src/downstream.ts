/** Everything downstream of the source, put together: settings in, a way to handle messages out. */
import type { Random } from "./async/clock.ts";
import type { Settings } from "./config/settings.ts";
import type { Envelope, Journal, JournalUnavailable } from "./flow.ts";
import type { Observe } from "./observe/events.ts";
import { createDeliver } from "./pipeline/deliver.ts";
import { createFanOut } from "./pipeline/fan_out.ts";
import { createFinish, written } from "./pipeline/finish.ts";
import { createHandle, type Handle } from "./pipeline/handle.ts";
import { inOrder } from "./pipeline/in_order.ts";
import { type GiveBack, keepHere } from "./pipeline/keep_here.ts";
import { LastMessages } from "./pipeline/last_messages.ts";
import { createReplay, type Letters, type Replay } from "./pipeline/replay.ts";
import type { Sample } from "./protocol/trace_context.ts";
import { createTargets, type Targets, type TargetsOptions } from "./targets.ts";

export interface DownstreamOptions extends TargetsOptions {
  readonly random: Random;
  /** Which traces are recorded; none when nothing is said. */
  readonly sample?: Sample | undefined;
  readonly journal: Journal;
  readonly letters: Letters;
  readonly onJournalFailed: (error: JournalUnavailable) => void;
  /** What was a dead letter has been delivered to its only target. */
  readonly onReplayed?: (messageId: string) => void;
}

export interface Downstream {
  readonly handle: Handle;
  /** What becomes of what goes back to the source; `handle` asks it itself. */
  readonly giveBack: GiveBack;
  readonly replay: Replay;
  /** Whether there is something to replay. */
  isReplayable(messageId: string): boolean;
  readonly targets: Targets;
}

const replay = { replay: true } as const;

export function createDownstream(settings: Settings, options: DownstreamOptions): Downstream {
  const { clock, random, observe, sample, letters } = options;
  const { ordering, maxLaneMessages, onExhausted, keepsAll, poisonAfter } = settings.delivery;
  const targets = createTargets(settings, options);
  const { route, admission } = targets;
  const deliverTelling = (observe: Observe) =>
    targets.keptFor(createDeliver({ admission, clock, random, observe, sample }));
  const deliver = deliverTelling(observe);
  const redeliver = deliverTelling((event) => observe({ ...event, ...replay }));
  const conclude = createFanOut({ ...options, route, deliver, onExhausted, keepsAll });
  const finish = createFinish({ ...options, keepsAll });
  const handle = createHandle({ ...options, keepsAll, conclude, finish, poisonAfter });

  const last = settings.inspect && new LastMessages(settings.inspect.maxMessages);
  const inTurn = inOrder(handle, { ordering, maxLaneMessages, observe });
  const giveBack: GiveBack = keepsAll ? keepHere(finish) : (_, outcome) => Promise.resolve(outcome);
  const ordered: Handle = keepsAll
    ? async (envelope, life) => await giveBack(envelope, await inTurn(envelope, life), life.abort)
    : inTurn;

  return {
    handle: last
      ? (envelope, life) => ordered(envelope, life).finally(() => last.keep(envelope))
      : ordered,
    giveBack,
    replay: createReplay({ letters, last, route, deliver: redeliver, remember, observe }),
    isReplayable: (messageId) =>
      last?.of(messageId) !== undefined || letters.of(messageId).length > 0,
    targets,
  };

  async function remember(envelope: Envelope, target: string): Promise<void> {
    const { journal, onJournalFailed, onReplayed } = options;
    const { id, webhookId } = envelope;
    // It may still have to come again, for another target.
    if ((route(webhookId)?.targets.length ?? 0) > 1) {
      return void await written(journal.deliveredTo(id, target), onJournalFailed);
    }
    await finish(envelope, { outcome: { kind: "delivered" }, deliveredTo: [], deadLetters: [] });
    journal.confirm([id]); // of what it was before
    onReplayed?.(id);
  }
}
