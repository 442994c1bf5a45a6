import assert from "node:assert/strict";
import type { RelayEvent } from "../../src/relay/relay_events.ts";
import type { TestContext } from "./cleanup.ts";
import { type CountingTarget, startCountingTarget } from "./counting_target.ts";
import { type Program, startProgram } from "./program.ts";
import { publish, startDevRelay } from "./rig.ts";

/** What became of the messages of a run. */
export interface Tally {
  /** Answered 202 by the relay. */
  readonly sent: number;
  /** That the target got at least once. */
  readonly delivered: number;
  /** That the relay took an ack for. */
  readonly acked: number;
  /** Requests the target got beyond the first for each message. */
  readonly duplicates: number;
  /** Sent, and never seen by the target. */
  readonly lost: number;
}

/** The order every run prints them in. */
export function tallyText({ sent, delivered, acked, duplicates, lost }: Tally): string {
  return `sent ${sent} / delivered ${delivered} / acked ${acked} / duplicates ${duplicates} / lost ${lost}`;
}

export interface JourneyOptions {
  readonly hold?: (messageId: string) => Promise<void> | undefined;
  readonly onArrived?: (messageId: string) => void;
}

/**
 * From the sender to the target, counted on both sides: a relay and a target in this process, between them
 * connectors in processes of their own, which are what is stopped and killed.
 */
export interface Journey {
  readonly target: CountingTarget;
  /** Message ids that were answered 202. */
  readonly sent: ReadonlySet<string>;
  /** Message ids that the relay took an ack for. */
  readonly acked: ReadonlySet<string>;
  /** Message ids that were NACKed, and are to be given out again. */
  readonly nacked: ReadonlySet<string>;
  /** Everything that was sent is acked or a dead letter: nothing more will come by itself. */
  readonly isOver: boolean;
  /** What the target has seen happen: requests that came, and answers it has written. */
  readonly moments: number;
  /** At the relay: what waits to be given out, and the dead letters. */
  readonly queued: { readonly waiting: number; readonly dead: number };
  /** Sends `count` webhooks through the relay's ingest, several at a time. */
  send(count: number): Promise<void>;
  /** Starts a connector; resolves when the relay has it. */
  connect(args?: readonly string[]): Promise<Program>;
  /** Resolves when the condition holds; rejects when the connector ends before that. */
  until(condition: () => boolean, connector: Program): Promise<void>;
  /** Resolves when the connector is gone and the relay knows it. */
  gone(connector: Program): Promise<number | null>;
  tally(): Tally;
}

const senders = 8;

export async function startJourney(t: TestContext, options: JourneyOptions = {}): Promise<Journey> {
  const sent = new Set<string>();
  const acked = new Set<string>();
  const nacked = new Set<string>();
  const dead = new Set<string>();
  let sending = 0;
  let moments = 0;
  let connected = 0;
  const waiters = new Set<{ readonly condition: () => boolean; readonly resolve: () => void }>();
  const look = () => {
    for (const waiter of waiters) {
      if (!waiter.condition()) continue;
      waiters.delete(waiter);
      waiter.resolve();
    }
  };
  const happens = (condition: () => boolean) =>
    condition()
      ? Promise.resolve()
      : new Promise<void>((resolve) => void waiters.add({ condition, resolve }));
  const onRelayEvent = (event: RelayEvent) => {
    if (event.type === "relay.acked") acked.add(event.messageId);
    if (event.type === "relay.nacked") nacked.add(event.messageId);
    if (event.type === "relay.dead_lettered") dead.add(event.messageId);
    if (event.type === "relay.connected") connected++;
    if (event.type === "relay.disconnected") connected--;
    look();
  };
  const onMoment = () => {
    moments++;
    look();
  };
  const relay = await startDevRelay(t, { maxMessages: 100_000 }, { observe: onRelayEvent });
  const target = await startCountingTarget(t, {
    ...options,
    onArrived(id) {
      options.onArrived?.(id);
      onMoment();
    },
    onAnswered: onMoment,
  });
  const until: Journey["until"] = (condition, connector) =>
    Promise.race([
      happens(condition),
      connector.ended.then((code) => {
        throw new Error(`the connector ended with ${code}: ${connector.stderr.join("\n")}`);
      }),
    ]);

  return {
    target,
    sent,
    acked,
    nacked,
    get isOver() {
      return sending === 0 && acked.size + dead.size === sent.size;
    },
    get moments() {
      return moments;
    },
    get queued() {
      const { queued = 0, deadLettered = 0 } = relay.registry.named("dev")?.channel.stats ?? {};
      return { waiting: queued, dead: deadLettered };
    },
    async send(count) {
      let left = count;
      const sender = async () => {
        while (left-- > 0) sent.add(await publish(relay, "a webhook"));
      };
      sending++;
      await Promise.all(Array.from({ length: senders }, sender));
      sending--;
      look();
    },
    async connect(args = []) {
      const to = ["--cloud-url", relay.url, "--channel", "dev", "--target-url", target.url.href];
      const quiet = ["--protocol", "websocket", "--status-listen", "off", "--log-level", "error"];
      assert.equal(connected, 0, "the connector before is still connected");
      const connector = startProgram(t, ["connect", ...to, ...quiet, ...args], {
        CONNECTOR_TOKEN: "s3cret",
      });
      await until(() => connected === 1, connector);
      return connector;
    },
    until,
    async gone(connector) {
      const code = await connector.ended;
      await happens(() => connected === 0);
      return code;
    },
    tally() {
      const lost = [...sent].filter((id) => !target.requests.has(id)).length;
      return {
        sent: sent.size,
        delivered: target.requests.size,
        acked: acked.size,
        duplicates: target.duplicates,
        lost,
      };
    },
  };
}
