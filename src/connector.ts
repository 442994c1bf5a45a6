/** The composition root: settings in, a running connector out. The only place that picks implementations. */
import { abortable, onAbort } from "./async/abort.ts";
import { Budget } from "./async/budget.ts";
import type { Clock, Random } from "./async/clock.ts";
import { type Chaos, faultsOf } from "./chaos/chaos.ts";
import { chaosText } from "./chaos/chaos_text.ts";
import { identityText } from "./config/identity.ts";
import type { Settings } from "./config/settings.ts";
import { withoutPath } from "./config/source_url.ts";
import { createDownstream } from "./downstream.ts";
import { JournalUnavailable, type Lifetime } from "./flow.ts";
import type { OpenJournal } from "./journal/open_journal.ts";
import type { Observe } from "./observe/events.ts";
import type { Inspect, TargetLoad, Unconfirmed } from "./observe/picture.ts";
import { Dedup } from "./pipeline/dedup.ts";
import { runPipeline } from "./pipeline/pipeline.ts";
import type { Replay } from "./pipeline/replay.ts";
import { about } from "./protocol/about.ts";
import { redactBy } from "./protocol/redact.ts";
import type { Sample } from "./protocol/trace_context.ts";
import { lasting, linking } from "./settings_change.ts";
import { Pause } from "./source/pause.ts";
import { Relink } from "./source/relink.ts";
import { createSource } from "./source/source.ts";
import { wayToRelay } from "./way_to_relay.ts";
import { withGrace } from "./with_grace.ts";

export interface ConnectorOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly observe: Observe;
  /** Which traces are recorded; none when nothing is said. */
  readonly sample?: Sample | undefined;
  /** What outlives the process. Whoever opened it closes it, after `run`. */
  readonly journal: OpenJournal;
  /** Faults it makes in itself: for tests only. */
  readonly chaos?: Chaos;
  /** Outlives the connector: whoever made it closes it, after `run`. Without it the connector has one of its own. */
  readonly pause?: Pause | undefined;
  /** Told of requests to targets and their responses. */
  readonly inspect?: Inspect | undefined;
  /**
   * The relay does not accept the token. Called before anything else is done about it; whoever knows another token
   * applies it. Not called again while it is not done.
   */
  readonly onTokenRefused?: () => Promise<void>;
}

export interface InHand {
  readonly messages: number;
  readonly bytes: number;
  /** How long the oldest of them has been so, milliseconds; 0 when there is none. */
  readonly oldestAgeMs: number;
}

export interface Connector {
  /** What the relay knows it by. */
  readonly connectorId: string;
  /** What its settings tell it from others by. */
  readonly identity: string;
  /** Messages received and not done with here. */
  readonly inHand: InHand;
  readonly unconfirmed: Unconfirmed;
  readonly targets: readonly TargetLoad[];
  /** Milliseconds since the last bytes came from the relay; undefined before the first. */
  readonly silenceMs: number | undefined;
  /** Stops the intake for a while. */
  readonly pause: Pause;
  /** Delivers a dead letter, or with `inspect` one of the last messages once more; while the connector runs. */
  readonly replay: (messageId: string) => ReturnType<Replay>;
  isReplayable(messageId: string): boolean;
  /** Forgets the dead letters of a message. Resolves with how many there were. */
  dropLetters(messageId: string): Promise<number>;
  /**
   * Goes on with other settings: targets are others from the next message on, the connection is opened anew only when
   * it is to be another one, and what is in hand stays so. False when these settings need another connector.
   */
  apply(settings: Settings): boolean;
  /**
   * Runs until `life.drain`, then finishes what is in hand within the grace the settings give (sooner on
   * `life.abort`). Resolves with how many messages had to be given back to the relay unfinished. Rejects
   * with a `StreamFailure` when the relay refuses the token, or cannot be reached, and the settings say to
   * stop then; with `JournalUnavailable`, after a drain, when the journal failed and they say to stop then.
   * `makeRoom` drains it too, for another one that takes over: nobody is told that it stops.
   */
  run(life: Lifetime, makeRoom?: AbortSignal): Promise<{ readonly abandoned: number }>;
}

export function createConnector(settings: Settings, options: ConnectorOptions): Connector {
  const { clock, random, journal, chaos, observe } = options;
  const faults = chaos && faultsOf(chaos);
  const { delivery } = settings;
  let now = settings;
  const relink = new Relink();
  let known: Dedup | undefined;
  let abandoned = 0;
  let heardAt: number | undefined;
  let unconfirmed: Unconfirmed = { size: 0, oldestAgeMs: 0 };
  const budget = new Budget(delivery.maxQueueMessages, delivery.maxQueueBytes, clock);
  const pause = options.pause ?? new Pause(clock, observe);
  const journalFailed = new AbortController();
  const draining = new AbortController();
  const downstream = createDownstream(settings, {
    clock,
    random,
    observe,
    sample: options.sample,
    journal: journal.journal,
    letters: journal.deadLetters,
    drain: draining.signal,
    faults,
    inspect: options.inspect,
    onReplayed: (messageId) => known?.replayed(messageId),
    onJournalFailed(error) {
      observe({ type: "journal.failed", message: error.message });
      if (settings.journal.onFailure === "stop") journalFailed.abort(error);
    },
  });
  const { targets } = downstream;
  const stopNow = new AbortController();
  let renewing: Promise<boolean> | undefined;
  const renewToken = () => renewing ??= renewOnce().finally(() => renewing = undefined);

  return {
    connectorId: settings.source.connectorId ?? journal.connectorId,
    identity: identityText(settings.source),
    get inHand() {
      return { messages: budget.items, bytes: budget.bytes, oldestAgeMs: budget.oldestAgeMs };
    },
    get unconfirmed() {
      return unconfirmed;
    },
    get targets() {
      return targets.loads;
    },
    get silenceMs() {
      return heardAt === undefined ? undefined : clock.monotonic() - heardAt;
    },
    pause,
    replay: (messageId) =>
      downstream.replay(messageId, { drain: stopNow.signal, abort: stopNow.signal }),
    isReplayable: downstream.isReplayable,
    async dropLetters(messageId) {
      const letters = journal.deadLetters.of(messageId);
      const dropped = await journal.deadLetters.drop(messageId);
      for (const { envelope, target } of letters) {
        observe({ type: "dead_letter.forgotten", ...about(envelope), target, by: "hand" });
      }
      return dropped;
    },
    apply(next) {
      if (lasting(next) !== lasting(now)) return false;
      const isOther = linking(next) !== linking(now);
      const isTokenOther = next.source.token.reveal() !== now.source.token.reveal();
      now = next;
      targets.apply(next);
      // A connection that is open stays so: the relay says when its token is over.
      if (isOther || isTokenOther) relink.ask(isOther ? "anew" : "now");
      return true;
    },
    async run(life, makeRoom) {
      const way = wayToRelay(() => now, { journal, clock, faults, renewToken });
      const { dedup, untold } = recall();
      const { shutdownGraceMs: graceMs } = delivery;
      const ending = AbortSignal.any([life.drain, journalFailed.signal]);
      const untell = onAbort(ending, () => {
        observe({ type: "connector.draining", inHand: budget.items, graceMs });
      });
      const drain = makeRoom ? AbortSignal.any([ending, makeRoom]) : ending;
      const end = withGrace({ drain, abort: life.abort }, graceMs, clock, () => draining.abort());
      if (chaos) {
        observe({ type: "config.warning", message: `faults are on: --chaos ${chaosText(chaos)}` });
      }
      const { url, channel, protocol } = now.source;
      const source = (protocol === "smee" ? withoutPath(url) : url).href;
      observe({ type: "connector.started", source, channel });
      try {
        await runPipeline({
          source: createSource({
            way: way.now,
            relink,
            renewToken,
            onHeard: (at) => heardAt = at,
            tellUnconfirmed: (now) => unconfirmed = now,
            pause,
            untold,
            onConfirmed(messageIds) {
              dedup.confirm(messageIds);
              journal.journal.confirm(messageIds);
            },
            clock,
            random,
            observe,
          }),
          dedup,
          budget,
          handle: downstream.handle,
          giveBack: downstream.giveBack,
          onAbandoned: () => void abandoned++,
          clock,
          sample: options.sample,
          tellPayload: settings.log.payload ? redactBy(settings.redact) : undefined,
          observe,
        }, end.life);
        const { reason } = journalFailed.signal;
        if (reason instanceof JournalUnavailable) throw reason;
        return { abandoned };
      } finally {
        untell();
        end.dispose();
        if (!options.pause) pause.close();
        stopNow.abort();
        await targets.close();
        way.close();
        observe({ type: "connector.stopped", unsettled: abandoned });
      }
    },
  };

  /** A function of its own: what it takes is not held for as long as the connector runs. */
  function recall() {
    const remembered = journal.takeRemembered();
    const { dedupMaxMessages: maxMessages, dedupWindowMs: windowMs } = delivery;
    const forget = (messageIds: readonly string[]) => journal.journal.forget(messageIds);
    const dedup = known = new Dedup({ maxMessages, windowMs }, clock, remembered, forget);
    return { dedup, untold: remembered.filter(({ confirmed }) => !confirmed) };
  }

  async function renewOnce(): Promise<boolean> {
    const refused = now.source.token.reveal();
    // Once it drains nobody is waited for: it may be a reload, which waits for the drain.
    const asked = options.onTokenRefused?.() ?? Promise.resolve();
    await abortable(asked, draining.signal).catch((error) => {
      if (!draining.signal.aborted) throw error;
    });
    return now.source.token.reveal() !== refused;
  }
}
