/** The targets of the settings, each with its connections and limits, and those from before that are not done yet. */
import type { Clock } from "./async/clock.ts";
import { Semaphore } from "./async/semaphore.ts";
import type { Faults } from "./chaos/chaos.ts";
import { chaoticSink } from "./chaos/chaotic_sink.ts";
import { allTargets } from "./config/all_targets.ts";
import type { BatchSettings, RouteSettings, Settings, TargetSettings } from "./config/settings.ts";
import type { Sink } from "./flow.ts";
import type { Observe } from "./observe/events.ts";
import type { Inspect, TargetLoad } from "./observe/picture.ts";
import { Breaker } from "./pipeline/breaker.ts";
import type { Deliver } from "./pipeline/deliver.ts";
import { Line } from "./pipeline/line.ts";
import {
  type Admission,
  createAdmission,
  type Route,
  type Routed,
  type Target,
} from "./pipeline/target.ts";
import { batchHttpSink } from "./sink/batch_http.ts";
import { httpSink } from "./sink/http.ts";

export interface TargetsOptions {
  readonly clock: Clock;
  readonly observe: Observe;
  /** Aborted when nothing new is taken: batches go as they are then. */
  readonly drain: AbortSignal;
  /** Made in every attempt: for tests only. */
  readonly faults?: Faults | undefined;
  /** Told of requests and responses. */
  readonly inspect?: Inspect | undefined;
}

export interface Targets {
  readonly route: Route;
  readonly admission: Admission;
  readonly loads: readonly TargetLoad[];
  /** `deliver`, with its target kept until it is done there. */
  keptFor(deliver: Deliver): Deliver;
  /**
   * From now on webhooks go where these settings say. A target that is the same stays, with its connections and its
   * breaker; what is under way at another one ends there, what waits for its breaker goes back.
   */
  apply(settings: Settings): void;
  close(): Promise<void>;
}

/** A target with what it needs, and how many messages are with it. */
interface Made {
  readonly target: Target;
  readonly places: Semaphore;
  readonly url: string;
  /** Messages in requests that are under way. */
  readonly inFlight: () => number;
  users: number;
}

/** The share of all places that one target may have, where there are several and it does not say. */
const mostForOne = 0.8;

export function createTargets(settings: Settings, options: TargetsOptions): Targets {
  const { clock, observe } = options;
  const { keepsAll } = settings.delivery;
  const places = new Semaphore(settings.delivery.maxConcurrentRequests);
  const admission = createAdmission(places);
  /** By what they are made from. */
  let targets = new Map<string, Made>();
  const used = new Map<Target, Made>();
  let routes = new Map<string, Routed>();
  let fallback: Routed | undefined;
  let isAlone = true;
  apply(settings);

  return {
    route: (webhookId) => routes.get(webhookId) ?? fallback,
    admission,
    get loads() {
      return [...targets.values()].map(({ target: { name, breaker }, url, users, inFlight }) => ({
        name,
        url,
        inFlight: inFlight(),
        held: breaker.held,
        waiting: Math.max(0, users - inFlight()),
      }));
    },
    keptFor: (deliver) => async (envelope, target, life) => {
      const made = used.get(target);
      if (made) made.users++;
      try {
        return await deliver(envelope, target, life);
      } finally {
        if (made && --made.users === 0 && ![...targets.values()].includes(made)) await end(made);
      }
    },
    apply,
    async close() {
      for (const made of used.values()) await end(made);
    },
  };

  function apply(next: Settings): void {
    const limit = next.delivery.maxConcurrentRequests;
    isAlone = allTargets(next).length === 1;
    // One target that hangs must leave places for the others.
    const fairLimit = isAlone ? limit : Math.ceil(limit * mostForOne);
    const before = targets;
    targets = new Map();
    const makeRoute = ({ targets: wanted, ack }: RouteSettings): Routed => ({
      targets: wanted.map((target) => {
        const key = JSON.stringify(target);
        const own = target.maxConcurrentRequests ?? fairLimit;
        const made = before.get(key) ?? makeTarget(target, own);
        made.places.resize(own);
        targets.set(key, made);
        return made.target;
      }),
      ack,
    });
    routes = new Map([...next.routes].map(([id, route]) => [id, makeRoute(route)]));
    fallback = next.defaultRoute && makeRoute(next.defaultRoute);
    places.resize(limit);
    for (const [key, made] of before) {
      if (targets.has(key)) continue;
      made.target.breaker.retire();
      if (made.users === 0) void end(made);
    }
  }

  async function end({ target }: Made): Promise<void> {
    used.delete(target);
    target.breaker.close();
    await target.sink[Symbol.asyncDispose]();
  }

  function spoilt(sink: Sink): Sink {
    return options.faults ? chaoticSink(sink, options.faults, clock) : sink;
  }

  function makeTarget(target: TargetSettings, limit: number): Made {
    const { name, retry, batch } = target;
    const places = new Semaphore(limit);
    const maxSockets = () => places.limit;
    const batches = new Set<{ readonly size: number }>();
    const line = new Line(target.breaker.maxHeld, clock);
    const http = () => httpSink(target, maxSockets, clock, options.inspect);
    const made: Target = {
      name,
      retry,
      sink: spoilt(batch ? makeBatchSink(batch) : http()),
      places: batch ? undefined : places,
      get line() {
        return isAlone || keepsAll ? undefined : line;
      },
      breaker: new Breaker(
        target.breaker,
        clock,
        (state, openMs) => observe({ type: "breaker.changed", target: name, state, openMs }),
      ),
    };
    const url = target.origin + target.url.pathname;
    const inFlight = () =>
      batch ? [...batches].reduce((sum, { size }) => sum + size, 0) : admission.underWay(places);
    const entry: Made = { target: made, places, url, inFlight, users: 0 };
    used.set(made, entry);
    return entry;

    function makeBatchSink(batch: BatchSettings): Sink {
      return batchHttpSink(target, batch, {
        maxSockets,
        async admit(batch) {
          const leave = await admission.admit({ places }, batch.signal);
          batches.add(batch);
          return () => {
            batches.delete(batch);
            leave();
          };
        },
        drain: options.drain,
        inspect: options.inspect,
        observe,
        clock,
      });
    }
  }
}
