import { Figures } from "../metrics/figures.ts";
import type { RegisteredChannel, Registry } from "./registry.ts";
import type { ObserveRelay, RelayEvent } from "./relay_events.ts";

export interface RelayMetrics {
  readonly observe: ObserveRelay;
  /** Prometheus' text format. */
  text(): Promise<string>;
}

const commitBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1];

/** Counters and gauges of a relay, folded from its events. Labels are channels and reasons, never ids. */
export function foldRelayMetrics(
  { registry, storeProblem, incomingBytes, now, build }: {
    readonly registry: () => Registry;
    /** Why nothing can be stored now; undefined when all is well. */
    readonly storeProblem: () => string | undefined;
    /** Held by bodies that are not complete. */
    readonly incomingBytes: () => number;
    /** Milliseconds. */
    readonly now: () => number;
    readonly build: { readonly version: string; readonly runtime: string };
  },
): RelayMetrics {
  const figures = new Figures("hookferry_relay_");
  const counter: Figures["counter"] = (...about) => figures.counter(...about);
  const asked = (name: string, help: string, read: () => number) =>
    figures.asked("gauge", name, help, [], () => [[read()]]);
  /** Asked of every channel when somebody looks. */
  const perChannel = (
    name: string,
    help: string,
    read: (channel: RegisteredChannel) => number,
    type: "gauge" | "counter" = "gauge",
  ) =>
    figures.asked(
      type,
      name,
      help,
      ["channel"],
      () => registry().all.map((one) => [read(one), one.channel.settings.name]),
    );

  const ingested = counter("ingested_total", "Webhooks stored.", ["channel"]);
  const ingestedBytes = counter("ingested_bytes_total", "Bytes of their bodies.", ["channel"]);
  const rejected = counter("rejected_total", "Webhooks not taken, by reason.", ["reason"]);
  const handedOut = counter("handed_out_total", "Messages given to connectors.", ["channel"]);
  const redelivered = counter("redelivered_total", "Of those, not for the first time.", [
    "channel",
  ]);
  const acked = counter("acked_total", "Messages acknowledged.", ["channel"]);
  const nacked = counter("nacked_total", "Messages given back by connectors.", ["channel"]);
  const dead = counter("dead_lettered_total", "Messages put away as undeliverable.", ["channel"]);
  const leases = counter("lease_expiries_total", "Messages not settled in time.", ["channel"]);
  const extended = counter("lease_extensions_total", "Leases that began anew.", ["channel"]);
  const connects = counter("connects_total", "Connections opened.", ["channel", "protocol"]);
  const ignored = counter("frames_ignored_total", "Frames that were not understood.", ["channel"]);
  const failures = counter("store_failures_total", "Reads and writes that failed.", ["channel"]);
  const faults = counter("request_failures_total", "Requests answered with 500.");
  const commits = figures.histogram("commit_duration_seconds", "How long commits took.", {
    buckets: commitBuckets,
  });
  const commitWrites = counter("commit_writes_total", "Writes in them: several share one.");
  const spansDropped = counter("trace_spans_dropped_total", "Spans that no collector took.");
  const renewals = counter("tls_renewals_total", "Changes of the certificate, by result.", [
    "result",
  ]);
  renewals.add(0, "failed"); // an alert looks for its growth, also by the first
  perChannel(
    "expired_total",
    "Dead letters that nobody settled in their time.",
    ({ channel }) => channel.stats.expired,
    "counter",
  );
  perChannel(
    "dead_letters_dropped_total",
    "Dead letters that had to make room.",
    ({ channel }) => channel.stats.deadLettersDropped,
    "counter",
  );
  perChannel(
    "dead_letters",
    "Dead letters that are kept.",
    ({ channel }) => channel.stats.deadLetters,
  );
  asked(
    "store_healthy",
    "1 while messages can be stored.",
    () => storeProblem() === undefined ? 1 : 0,
  );
  perChannel(
    "queue_max_messages",
    "Messages, unsettled, that it takes.",
    ({ channel }) => channel.settings.maxMessages,
  );
  perChannel("queue_depth", "Messages that wait.", ({ channel }) => channel.stats.queued);
  perChannel(
    "in_flight",
    "Messages handed out, unsettled.",
    ({ channel }) => channel.stats.inFlight,
  );
  perChannel("oldest_age_seconds", "Age of the oldest unsettled message.", ({ channel }) => {
    const { oldestAt } = channel.stats;
    return oldestAt === undefined ? 0 : Math.max(0, now() - oldestAt) / 1000;
  });
  perChannel("connections", "Connections open.", ({ channel }) => channel.openCount);
  asked("incoming_bytes", "Bytes of bodies that are not complete.", incomingBytes);
  figures.gauge("build_info", "1, with version and runtime.", ["version", "runtime"])
    .set(1, build.version, build.runtime);

  function observe(event: RelayEvent): void {
    switch (event.type) {
      case "relay.ingested":
        ingested.add(1, event.channel);
        return ingestedBytes.add(event.bytes, event.channel);
      case "relay.refused":
        return rejected.add(1, event.reason);
      case "relay.connected":
        return connects.add(1, event.channel, event.protocol);
      case "relay.handed_out":
        if (event.delivery > 1) redelivered.add(1, event.channel);
        return handedOut.add(1, event.channel);
      case "relay.acked":
        return acked.add(1, event.channel);
      case "relay.nacked":
        return nacked.add(1, event.channel);
      case "relay.dead_lettered":
        return dead.add(1, event.channel);
      case "relay.lease_expired":
        return leases.add(1, event.channel);
      case "relay.lease_extended":
        return extended.add(1, event.channel);
      case "relay.frame_ignored":
        return ignored.add(1, event.channel);
      case "relay.store_failed":
        return failures.add(1, event.channel);
      case "relay.request_failed":
        return faults.add(1);
      case "relay.committed":
        commitWrites.add(event.writes);
        return commits.observe(event.durationMs / 1000);
      case "relay.disconnected":
        return; // the gauge of connections tells
      case "relay.expired":
      case "relay.dead_letters_dropped":
        return; // asked of the store, which knows it sooner
      case "relay.webhook_id_taken":
      case "relay.channel_left":
        return; // once for each start
      case "relay.log_lines_lost":
        return; // of the log, and told there
      case "relay.service_manager_failed":
        return; // once; systemd sees it as a watchdog that is not fed
      case "relay.trace_export_failed":
        return spansDropped.add(event.spans);
      case "relay.tls_renewed":
        return renewals.add(1, "renewed");
      case "relay.tls_not_renewed":
        return renewals.add(1, "failed");
    }
  }

  return {
    observe,
    text() {
      // An alert looks for their growth, also by the first.
      for (const { channel: { settings } } of registry().all) {
        for (const one of [dead, failures]) one.add(0, settings.name);
      }
      return figures.text();
    },
  };
}
