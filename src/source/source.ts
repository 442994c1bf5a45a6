import type { Delivery, Lifetime, Outcome, Source, TransportName } from "../flow.ts";
import { StreamFailure } from "../flow.ts";
import { climb } from "./climb.ts";
import { Ending } from "./ending.ts";
import { HeldNacks } from "./held_nacks.ts";
import { InHand } from "./in_hand.ts";
import { type OpenStream, openStream } from "./open_stream.ts";
import { Outbox } from "./outbox.ts";
import { delayUnlessAsked } from "./relink.ts";
import { type Connected, readStream } from "./read_stream.ts";
import { reconnectDelayMs } from "./reconnect_delay.ts";
import { settlementOf } from "./settlement.ts";
import type { SourceOptions } from "./source_options.ts";

/** A connection that lasted this long has proved itself: the backoff begins again. */
const stableAfterMs = 10_000;
/** Settlements kept while the relay cannot be told. */
const maxUnconfirmed = 10_000;

/**
 * THE reconnect loop: deliveries for as long as it lives, whatever happens to the connections beneath. Its
 * state is where it stands in the code. On `drain` it gives out nothing new, keeps the connection until all
 * it gave out is settled and told to the relay, and ends; on `abort` the last settlements get a moment.
 * Throws a `StreamFailure` only with `exitOnRejected` or `maxConnectAttempts`.
 */
export function createSource(options: SourceOptions): Source {
  return (life) => deliveries(options, life);
}

async function* deliveries(options: SourceOptions, life: Lifetime): AsyncGenerator<Delivery> {
  const { clock, random, observe } = options;
  let { untold } = options;
  /** The relay understands `drain` and delays; unknown before it greeted us. */
  let isOurs = false;
  /** This connection gets nothing more: we are paused. It is left when nothing is in hand. */
  let isLeaving = false;
  /** It was we who ended this connection: it was left, or the pause is over. */
  let isLeft = false;
  /** Somebody asked to connect since the attempt began. */
  let isAsked = false;
  /** Aborted when the settings of this connection, or of the attempt to open it, count no more. */
  let overtaken = new AbortController();
  const outbox = new Outbox({
    clock,
    random,
    observe,
    maxEntries: maxUnconfirmed,
    get retry() {
      return options.way().backoff;
    },
    get confirmTimeoutMs() {
      return options.way().ackTimeoutMs;
    },
    onConfirmed: options.onConfirmed,
    onEmpty: () => check(),
  });
  const held = new HeldNacks(clock, (settlement) => outbox.add(settlement));
  const inHand = new InHand(clock, settle);
  const isIdle = () => inHand.size === 0 && held.size === 0 && outbox.size === 0;
  const ending = new Ending(life, isIdle, clock);
  const { stop } = ending;

  let attempt = 0;
  let downSince = clock.monotonic();
  let stream: OpenStream | undefined;
  let replacement: OpenStream | undefined;
  const tellDrain = () => {
    if (!stream) return;
    // Where there is no name of the connection yet it is said again when the relay greets us.
    const { connection, connectionId } = stream;
    connection.send({ type: "drain", connectionId }).catch(() => {});
  };
  const onDrain = () => {
    tellDrain();
    held.flush();
  };
  life.drain.addEventListener("abort", onDrain);
  const forgetPause = options.pause.onChange(() => {
    leaveIfPaused();
    // The relay hands out nothing more to a connection that was left: another one is opened.
    if (!options.pause.isPaused && isLeaving) leave();
  });
  const forgetRelink = options.relink?.onAsked((wish) => {
    isAsked = true;
    if (wish !== "anew") return;
    overtaken.abort(new DOMException("the settings have changed", "AbortError"));
    void stream?.close();
  });

  try {
    while (!stop.aborted) {
      // What is in hand, or to be told, needs a connection: one that takes nothing.
      if (isOurs && isIdle()) await options.pause.over(stop);
      if (stop.aborted) break;
      isLeaving = isLeft = isAsked = false;
      overtaken = new AbortController();
      const way = { ...options.way(), onHeard: options.onHeard, clock };
      const { transports } = way;
      const { current } = transports;
      const transport = current.name;
      let failure: StreamFailure | undefined;
      try {
        if (!replacement) observe({ type: "stream.connecting", transport, attempt });
        stream = replacement ??
          await openStream(current, way, AbortSignal.any([stop, overtaken.signal]));
        replacement = undefined;
        const opened = stream;
        const stopClimbing = climb(way, stop, (better) => {
          replacement = better;
          void opened.close();
        });
        try {
          yield* readStream(opened, {
            outbox,
            inHand,
            onConnected,
            isLeaving: () => isLeaving || ending.draining,
            mayTake: () => isOurs ? Promise.resolve() : options.pause.over(stop),
            heartbeatMs: Math.min(20_000, way.heartbeatTimeoutMs / 3),
            downSince,
            clock,
            observe,
          });
        } finally {
          stopClimbing();
        }
      } catch (error) {
        if (!(error instanceof StreamFailure)) throw error;
        failure = error;
      }

      const wasConnectedAt = stream?.connectedAt;
      const nothingCame = stream !== undefined && wasConnectedAt === undefined;
      await stream?.close();
      stream = undefined;
      held.drop();
      check();
      if (wasConnectedAt !== undefined) {
        downSince = clock.monotonic();
        const upMs = Math.round(downSince - wasConnectedAt);
        if (upMs >= stableAfterMs) attempt = 0;
        observe({ type: "stream.disconnected", transport, ...whoEnded(failure), upMs });
      }
      if (stop.aborted) break;
      if (overtaken.signal.aborted || (isLeft && !failure)) {
        await (replacement as OpenStream | undefined)?.close();
        replacement = undefined;
        continue;
      }
      if (replacement) {
        transports.climbTo(replacement.transport);
        changed(transport, "better", "it gets through again");
        continue;
      }
      // The token that was refused may be the one of before.
      if (failure?.failureClass === "rejected" && isAsked) continue;
      if (failure?.failureClass === "rejected" && await options.renewToken?.()) continue;
      if (failure?.failureClass === "rejected" && options.way().exitOnRejected) throw failure;

      const isBlocked = failure?.failureClass === "protocol" || nothingCame;
      const next = isBlocked ? transports.blocked() : "only_one";
      if (next !== "only_one") {
        changed(transport, "blocked", failure?.message ?? "it carried nothing");
      }
      const { maxConnectAttempts: most } = options.way();
      if (most > 0 && attempt + 1 >= most && next !== "next") {
        throw failure ?? new StreamFailure("unavailable", "the relay closed the stream");
      }
      const retryInMs = next === "next"
        ? 0
        : reconnectDelayMs(failure, attempt++, options.way().backoff, random);
      observe({
        type: "stream.failed",
        transport,
        failureClass: failure?.failureClass ?? "unavailable",
        message: failure?.message ?? "the relay closed the stream",
        retryInMs,
        ...(failure?.status !== undefined && { status: failure.status }),
      });
      if (retryInMs > 0) await delayUnlessAsked(options.relink, retryInMs, stop, clock);
    }
  } finally {
    life.drain.removeEventListener("abort", onDrain);
    forgetPause();
    forgetRelink?.();
    ending.dispose();
    await stream?.close();
    await (replacement as OpenStream | undefined)?.close();
  }

  function settle(messageId: string, connectionId: string, outcome: Outcome): void {
    const settlement = settlementOf(messageId, connectionId, outcome);
    const delayMs = settlement.verdict === "nack" ? settlement.delayMs ?? 0 : 0;
    // An old relay knows no delay.
    if (delayMs > 0 && !isOurs && !ending.draining) held.hold(settlement, delayMs);
    else outbox.add(settlement);
  }

  function onConnected({ connectionId, capabilities }: Connected): void {
    isOurs = capabilities.length > 0;
    // An old relay does not name the connection of a poll that brought nothing, and takes no settlement without.
    if (connectionId !== "") {
      for (const { messageId, outcome } of untold) {
        outbox.add(settlementOf(messageId, connectionId, outcome));
      }
      untold = [];
    }
    if (ending.draining || isLeaving) tellDrain();
    else leaveIfPaused();
  }

  function leaveIfPaused(): void {
    if (!options.pause.isPaused || !isOurs || !stream || isLeaving) return;
    isLeaving = true;
    tellDrain();
    check();
  }

  function check(): void {
    ending.check();
    if (isLeaving && isIdle()) leave();
  }

  function leave(): void {
    isLeft = true;
    void stream?.close();
  }

  function whoEnded(failure: StreamFailure | undefined) {
    const own = failure ? undefined : ownReason();
    const by = own === undefined ? "relay_or_network" : "connector";
    return { reason: own ?? failure?.message ?? "closed by the relay", by } as const;
  }

  /** Why we ended this connection, if we did. */
  function ownReason(): string | undefined {
    if (stop.aborted) return "stopped";
    if (overtaken.signal.aborted) return "the settings have changed";
    if (replacement) return `${replacement.transport.name} gets through again`;
    if (!isLeft) return undefined;
    return options.pause.isPaused ? "paused" : "the pause is over";
  }

  function changed(from: TransportName, cause: "blocked" | "better", reason: string): void {
    const to = options.way().transports.current.name;
    observe({ type: "stream.transport_changed", from, to, cause, reason });
  }
}
