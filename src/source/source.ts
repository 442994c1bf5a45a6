import { onAbort } from "../async/abort.ts";
import type { Delivery, Lifetime, Outcome, Source, TransportName } from "../flow.ts";
import { StreamFailure } from "../flow.ts";
import { Ending } from "./ending.ts";
import { HeldNacks } from "./held_nacks.ts";
import { InHand } from "./in_hand.ts";
import { Outbox } from "./outbox.ts";
import { delayUnlessAsked } from "./relink.ts";
import type { Connected } from "./read_stream.ts";
import { reconnectDelayMs } from "./reconnect_delay.ts";
import { settlementOf } from "./settlement.ts";
import type { SourceOptions } from "./source_options.ts";
import { Visit } from "./visit.ts";

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
  options.tellUnconfirmed?.(outbox);
  const held = new HeldNacks(clock, (settlement) => outbox.add(settlement));
  const inHand = new InHand(clock, settle);
  const isIdle = () =>
    inHand.size === 0 && held.size === 0 && outbox.size === 0 &&
    (life.abort.aborted || !visit?.isDraining);
  let attempt = 0;
  /** Attempts in a row that the relay did not greet. */
  let failures = 0;
  let downSince = clock.monotonic();
  let visit: Visit | undefined;
  const onDrain = () => {
    visit?.tellDrain();
    held.flush();
  };
  // Before it is looked whether all is done: what is on its way is not.
  const forgetDrain = onAbort(life.drain, onDrain);
  const ending = new Ending(life, isIdle, clock);
  const { stop } = ending;
  const forgetPause = options.pause.onChange(() => {
    leaveIfPaused();
    // The relay hands out nothing more to a connection that was left: another one is opened.
    if (!options.pause.isPaused && visit?.isLeaving) visit.leave();
  });
  const forgetRelink = options.relink?.onAsked((wish) => {
    if (visit) visit.isAsked = true;
    if (wish === "anew") visit?.overtake();
  });

  try {
    while (!stop.aborted) {
      // What is in hand, or to be told, needs a connection: one that takes nothing.
      if (isOurs && isIdle()) await options.pause.over(stop);
      if (stop.aborted) break;
      const way = { ...options.way(), onHeard: options.onHeard, clock };
      const { transports } = way;
      const transport = transports.current.name;
      const opened = visit?.takeReplacement();
      if (!opened) observe({ type: "stream.connecting", transport, attempt });
      const current = visit = new Visit(way, stop, opened, check);
      yield* current.deliveries({
        outbox,
        inHand,
        onConnected,
        isLeaving: () => current.isLeaving || ending.draining,
        mayTake: () => isOurs ? Promise.resolve() : options.pause.over(stop),
        heartbeatMs: Math.min(20_000, way.heartbeatTimeoutMs / 3),
        downSince,
        clock,
        observe,
      });
      held.drop();
      check();
      const { connectedAt, failure } = current;
      if (connectedAt !== undefined) {
        downSince = clock.monotonic();
        const upMs = Math.round(downSince - connectedAt);
        if (upMs >= stableAfterMs) attempt = 0;
        observe({ type: "stream.disconnected", transport, ...whoEnded(current), upMs });
      }
      if (stop.aborted) break;
      if (current.isOurEnd) {
        await current.close();
        continue;
      }
      if (current.replacement) {
        transports.climbTo(current.replacement.transport);
        changed(transport, "better", "it gets through again");
        continue;
      }
      // The token that was refused may be the one of before.
      if (failure?.failureClass === "rejected" && current.isAsked) continue;
      if (failure?.failureClass === "rejected" && await options.renewToken?.()) continue;
      if (failure?.failureClass === "rejected" && options.way().exitOnRejected) throw failure;

      const isBlocked = failure?.failureClass === "protocol" || current.hasCarriedNothing;
      const next = isBlocked ? transports.blocked() : "only_one";
      if (next !== "only_one") {
        changed(transport, "blocked", failure?.message ?? "it carried nothing");
      }
      const { maxConnectAttempts: most } = options.way();
      if (connectedAt !== undefined) failures = 0;
      else if (next !== "next") failures++;
      if (most > 0 && failures >= most && next !== "next") {
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
    forgetDrain();
    forgetPause();
    forgetRelink?.();
    ending.dispose();
    await visit?.close();
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
    if (ending.draining || visit?.isLeaving) visit?.tellDrain();
    else leaveIfPaused();
  }

  function leaveIfPaused(): void {
    if (!options.pause.isPaused || !isOurs || !visit?.stream || visit.isLeaving) return;
    visit.beginLeaving();
    check();
  }

  function check(): void {
    ending.check();
    if (visit?.isLeaving && isIdle()) visit.leave();
  }

  function whoEnded(over: Visit) {
    const { failure } = over;
    const own = failure ? undefined : over.ownReason(options.pause.isPaused);
    const by = own === undefined ? "relay_or_network" : "connector";
    return { reason: own ?? failure?.message ?? "closed by the relay", by } as const;
  }

  function changed(from: TransportName, cause: "blocked" | "better", reason: string): void {
    const to = options.way().transports.current.name;
    observe({ type: "stream.transport_changed", from, to, cause, reason });
  }
}
