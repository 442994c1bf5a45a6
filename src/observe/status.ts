import type { Clock } from "../async/clock.ts";
import type { TransportName } from "../flow.ts";
import type { ConnectorEvent, Observe } from "./events.ts";
import { foldOutage } from "./outage.ts";
import type { TargetLoad, Unconfirmed } from "./picture.ts";
import { type Readiness, readinessOf } from "./readiness.ts";
import { foldTotals } from "./totals.ts";
import { inOneLine } from "./wording.ts";

export interface StatusFold {
  readonly observe: Observe;
  status(): Record<string, unknown>;
  readiness(): Readiness & { readonly readyConnections: 0 | 1; readonly connectorId: string };
}

interface TargetState {
  tried: boolean;
  failuresInARow: number;
  lastFailure: string;
  /** On the clock that never jumps. */
  lastFailureAt: number;
  lastSuccessAt: number | undefined;
  breaker: "closed" | "open" | "half_open";
}

/** What is asked when somebody looks, since no event tells it. */
export interface Now {
  readonly connectorId: string;
  readonly identity: string;
  /** Messages held. */
  readonly inHand: { readonly messages: number; readonly bytes: number };
  readonly unconfirmed: Unconfirmed;
  /** Milliseconds since the last bytes came from the relay; undefined before the first. */
  readonly silenceMs: number | undefined;
  readonly journal: {
    readonly place: string;
    /** Why it cannot be written; undefined when all is well. */
    readonly problem: string | undefined;
    readonly deadLetters: { readonly messages: number; readonly bytes: number };
  };
}

/** The state of a connector, folded from its events. `about` is what does not change (version and so on). */
export function foldStatus(
  { clock, targets: loads, about, now }: {
    readonly clock: Clock;
    /** Those that are configured now. */
    readonly targets: () => readonly Pick<TargetLoad, "name" | "inFlight" | "waiting">[];
    readonly about: Readonly<Record<string, unknown>>;
    readonly now: () => Now;
  },
): StatusFold {
  const startedAt = clock.monotonic();
  const { totals, observe: count } = foldTotals();
  const reconnects = { attempts: 0, failures: 0 };
  const outage = foldOutage(clock);
  const targets = new Map<string, TargetState>();
  /** Requests of several messages: each is one failure, as for the breaker. */
  const counted = new WeakSet<object>();
  const configured = () =>
    new Map(
      loads().map(({ name, inFlight, waiting }) => {
        const state = targetState(name);
        const sinceFailureMs = passedSince(state.lastFailureAt);
        return [name, { ...state, sinceFailureMs, isIdle: inFlight + waiting === 0 }];
      }),
    );
  let connection: { transport: TransportName; id: string; since: number } | undefined;
  let downSince = startedAt;
  let lastFailure: { message: string; class: string; at: string } | undefined;
  let source = "the relay";
  /** Why it is not connected, or was not before; undefined before the first try has ended. */
  let whyNone: string | undefined;
  let draining = false;
  /** The settings of the files that are not valid: those from before count. */
  let refused: { problem: string; since: string } | undefined;
  /** Infinity = until somebody says so; undefined = it is not paused. */
  let pausedUntil: number | undefined;

  function observe(event: ConnectorEvent): void {
    count(event);
    switch (event.type) {
      case "delivery.attempted":
        attempted(event);
        break;
      case "connector.started":
        source = event.source;
        break;
      case "config.reload_failed": {
        const since = refused?.since ?? new Date(clock.now()).toISOString();
        refused = { problem: inOneLine(event.message), since };
        break;
      }
      case "config.reloaded":
        refused = undefined;
        if (event.changed.length > 0) forgetFailures();
        break;
      case "connector.draining":
        draining = true;
        break;
      case "stream.connecting":
        reconnects.attempts++;
        break;
      case "stream.connected": {
        outage.observe(event);
        const { transport, connectionId: id } = event;
        connection = { transport, id, since: clock.monotonic() };
        break;
      }
      case "stream.disconnected":
        outage.observe(event);
        connection = undefined;
        downSince = clock.monotonic();
        whyNone = `the stream from ${source} has ended: ${event.reason}`;
        break;
      case "stream.failed": {
        reconnects.failures++;
        const at = new Date(clock.now()).toISOString();
        lastFailure = { message: event.message, class: event.failureClass, at };
        whyNone = event.message;
        break;
      }
      case "breaker.changed":
        targetState(event.target).breaker = event.state;
        break;
      case "connector.paused":
        outage.observe(event);
        pausedUntil = event.forMs === undefined ? Infinity : clock.now() + event.forMs;
        break;
      case "connector.resumed":
        outage.observe(event);
        pausedUntil = undefined;
        break;
    }
  }

  function attempted(event: Extract<ConnectorEvent, { type: "delivery.attempted" }>): void {
    const state = targetState(event.target);
    state.tried = true;
    if (event.result === "transient") state.lastFailure = event.reason?.message ?? "";
    if (event.result === "delivered") state.lastSuccessAt = clock.now();
    if (event.request && counted.has(event.request)) return;
    if (event.request) counted.add(event.request);
    // A target that refuses one webhook for good is there and answers.
    const { request = { failed: event.result === "transient" } } = event;
    state.failuresInARow = request.failed ? state.failuresInARow + 1 : 0;
    if (request.failed) state.lastFailureAt = clock.monotonic();
  }

  /** A target may be another one now; one whose breaker is not closed is the one that fails. */
  function forgetFailures(): void {
    for (const [name, { failuresInARow, breaker, lastSuccessAt }] of targets) {
      if (failuresInARow === 0 || breaker !== "closed") continue;
      targets.set(name, { ...untried(), lastSuccessAt });
    }
  }

  function targetState(name: string): TargetState {
    let state = targets.get(name);
    if (!state) targets.set(name, state = untried());
    return state;
  }

  return {
    observe,
    readiness: () => {
      const { problem } = now().journal;
      return {
        readyConnections: connection ? 1 : 0,
        connectorId: now().connectorId,
        ...readinessOf({
          connectedOver: connection?.transport,
          whyNone,
          unconfirmedMs: now().unconfirmed.oldestAgeMs,
          journalProblem: problem,
          pausedUntil,
          draining,
          targets: configured(),
        }),
      };
    },
    status: () => ({
      ...about,
      connector_id: now().connectorId,
      identity: now().identity,
      uptime_seconds: seconds(passedSince(startedAt)),
      draining,
      config: refused ?? { problem: null, since: null },
      connection: connection
        ? {
          state: "connected",
          transport: connection.transport,
          connection_id: connection.id,
          up_seconds: seconds(passedSince(connection.since)),
          silent_seconds: seconds(now().silenceMs ?? passedSince(connection.since)),
        }
        : {
          state: "disconnected",
          down_seconds: seconds(passedSince(downSince)),
          reason: whyNone ?? null,
        },
      reconnects: {
        attempts: reconnects.attempts,
        failures: reconnects.failures,
        last_failure: lastFailure ?? null,
        disconnected_seconds: seconds(outage.totalMs),
      },
      paused: pausedUntil !== undefined,
      in_hand: now().inHand,
      unconfirmed: {
        settlements: now().unconfirmed.size,
        oldest_seconds: seconds(now().unconfirmed.oldestAgeMs),
      },
      journal: journalText(now().journal),
      totals,
      targets: Object.fromEntries(
        [...configured()].map(([name, state]) => [name, {
          tried: state.tried,
          breaker: state.breaker,
          failures_in_a_row: state.failuresInARow,
          last_failure: state.lastFailure || null,
          last_success_at: state.lastSuccessAt === undefined
            ? null
            : new Date(state.lastSuccessAt).toISOString(),
        }]),
      ),
    }),
  };

  function passedSince(moment: number): number {
    return clock.monotonic() - moment;
  }
}

function untried(): TargetState {
  return {
    ...{ tried: false, failuresInARow: 0, lastFailure: "", lastFailureAt: 0 },
    lastSuccessAt: undefined,
    breaker: "closed",
  };
}

function journalText({ place, problem, deadLetters }: Now["journal"]) {
  return { place, problem: problem ?? null, dead_letters: deadLetters };
}

function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}
