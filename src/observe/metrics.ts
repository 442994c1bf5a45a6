import type { Clock } from "../async/clock.ts";
import { Figures } from "../metrics/figures.ts";
import type { ConnectorEvent, Observe } from "./events.ts";
import { foldOutage } from "./outage.ts";
import type { TargetLoad, Unconfirmed } from "./picture.ts";

/** What a gauge cannot learn from events: it is asked when somebody looks. */
export interface Load {
  /** Messages received and not done with here. */
  readonly inHand: number;
  readonly inHandBytes: number;
  /** How long the oldest of them has been in hand, milliseconds; 0 when there is none. */
  readonly oldestAgeMs: number;
  readonly unconfirmed: Unconfirmed;
  readonly targets: readonly TargetLoad[];
  /** Milliseconds since the last bytes came from the relay; undefined before the first. */
  readonly silenceMs: number | undefined;
  /** Dead letters kept. */
  readonly deadLetters: number;
  /** 1 while the journal can be written, else 0. */
  readonly journalHealthy: 0 | 1;
}

export interface MetricsFold {
  readonly observe: Observe;
  /** Prometheus' text format. */
  text(): Promise<string>;
}

const breakerLevel = { closed: 0, half_open: 1, open: 2 } as const;
const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const lagBuckets = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1_800, 3_600, 21_600, 86_400];

/**
 * Counters, gauges and histograms, folded from the events. Labels have few values: targets as configured,
 * transports, outcomes; never ids.
 */
export function foldMetrics(
  { load, clock, build }: {
    readonly load: () => Load;
    readonly clock: Clock;
    readonly build: { readonly version: string; readonly runtime: string };
  },
): MetricsFold {
  const figures = new Figures("hookferry_");
  const counter: Figures["counter"] = (...about) => figures.counter(...about);
  const gauge: Figures["gauge"] = (...about) => figures.gauge(...about);
  const asked = (name: string, help: string, read: () => number) =>
    figures.asked("gauge", name, help, [], () => [[read()]]);
  const askedOfTargets = (name: string, help: string, read: (target: TargetLoad) => number) =>
    figures.asked(
      "gauge",
      name,
      help,
      ["target"],
      () => load().targets.map((target) => [read(target), target.name]),
    );

  const received = counter("messages_received_total", "Messages received from the relay.");
  const receivedBytes = counter("received_bytes_total", "Bytes of bodies received.");
  const duplicates = counter("duplicates_total", "Copies recognised, by the state of the first.", [
    "state",
  ]);
  const attempts = counter("delivery_attempts_total", "Attempts at targets, by result.", [
    "target",
    "result",
  ]);
  const retries = counter("delivery_retries_total", "Attempts that will be repeated.", ["target"]);
  const deliveries = counter(
    "deliveries_total",
    "Messages brought to an end, by outcome; without replays.",
    [
      "target",
      "outcome",
    ],
  );
  const duration = figures.histogram(
    "delivery_attempt_duration_seconds",
    "How long attempts took.",
    { label: "target", buckets: durationBuckets },
  );
  const lag = figures.histogram(
    "delivery_lag_seconds",
    "From receipt at the relay to delivery at the target; without replays.",
    { label: "target", buckets: lagBuckets },
  );
  const deferred = counter("deferred_total", "Messages given back before an attempt, by reason.", [
    "reason",
  ]);
  const breaker = gauge("breaker_state", "0 closed, 1 half open, 2 open.", ["target"]);
  const breakerOpened = counter("breaker_opened_total", "Times a breaker opened.", ["target"]);
  const deadLettered = counter("dead_letters_total", "Dead letters kept here.", ["target"]);
  const deadLettersDropped = counter(
    "dead_letters_dropped_total",
    "Dead letters that made room for newer ones.",
  );
  const replays = counter(
    "replays_total",
    "Messages sent again by hand, by result: dead letters, and others that are kept.",
    ["target", "result"],
  );
  const journalFailures = counter("journal_failures_total", "Writes the journal did not take.");
  const paused = gauge("paused", "1 while the intake is stopped.");
  const settlements = counter(
    "settlements_total",
    "Settlements the relay has taken: ack, nack_retry, nack_dead_letter.",
    ["verdict"],
  );
  const settlementFailures = counter(
    "settlement_failures_total",
    "Settlements that could not be sent and wait to be sent again.",
  );
  const connects = counter("connect_attempts_total", "Attempts to open a stream.", ["transport"]);
  const connectFailures = counter("connect_failures_total", "Streams that failed, by reason.", [
    "transport",
    "reason",
  ]);
  const fallbacks = counter("transport_changes_total", "Changes of the transport.", ["from", "to"]);
  const ignored = counter("frames_ignored_total", "Frames from which nothing came.", ["kind"]);
  ignored.add(0, "malformed"); // an alert looks for its growth, also by the first
  const warnings = counter("config_warnings_total", "Settings that should be looked at.");
  const reloadOk = gauge(
    "config_last_reload_successful",
    "1 while the settings that count are those of the file, 0 after a new file was refused.",
  );
  const reloadedAt = gauge(
    "config_last_reload_success_timestamp_seconds",
    "When settings were taken last, seconds since the epoch.",
  );
  reloadOk.set(1);
  reloadedAt.set(clock.now() / 1000);
  const spansDropped = counter("trace_spans_dropped_total", "Spans that no collector took.");
  const connected = gauge("connected", "1 while a stream is open.", ["transport"]);
  const backpressure = gauge("backpressure", "1 while reading from the relay is held up.");
  const draining = gauge("draining", "1 while the connector is stopping.");
  asked("in_hand_messages", "Messages received and not done with here.", () => load().inHand);
  asked("in_hand_bytes", "Their bytes.", () => load().inHandBytes);
  asked(
    "oldest_unsettled_age_seconds",
    "How long the oldest message in hand has been so.",
    () => load().oldestAgeMs / 1000,
  );
  asked(
    "unconfirmed_settlements",
    "Acks and nacks that the relay is not known to have.",
    () => load().unconfirmed.size,
  );
  asked(
    "oldest_unconfirmed_age_seconds",
    "How long the oldest of them has been so.",
    () => load().unconfirmed.oldestAgeMs / 1000,
  );
  askedOfTargets("in_flight", "Messages in requests under way.", ({ inFlight }) => inFlight);
  askedOfTargets(
    "queue_depth",
    "Messages at a target that wait: for a place, a retry, its breaker, or others to go with.",
    ({ waiting }) => waiting,
  );
  askedOfTargets(
    "breaker_held_messages",
    "Those of them that wait for the breaker.",
    ({ held }) => held,
  );
  asked(
    "relay_silence_seconds",
    "Seconds since the last byte came from the relay.",
    () => (load().silenceMs ?? NaN) / 1000,
  );
  asked("dead_letters", "Dead letters kept here.", () => load().deadLetters);
  asked("journal_healthy", "1 while the journal can be written.", () => load().journalHealthy);
  const outage = foldOutage(clock);
  figures.asked(
    "counter",
    "disconnected_seconds_total",
    "Seconds without a stream, but for those of a pause.",
    [],
    () => [[outage.totalMs / 1000]],
  );
  gauge("build_info", "1, with version and runtime.", ["version", "runtime"])
    .set(1, build.version, build.runtime);

  function observe(event: ConnectorEvent): void {
    switch (event.type) {
      // Those of every webhook first: V8 compares one after the other.
      case "delivery.received":
        received.add(1);
        return receivedBytes.add(event.bytes);
      case "delivery.attempted":
        attempts.add(1, event.target, event.result);
        return duration.observe(event.durationMs / 1000, event.target);
      case "delivery.succeeded":
        if (event.replay) return;
        deliveries.add(1, event.target, "delivered");
        return lag.observe(event.lagMs / 1000, event.target);
      case "settlement.confirmed":
        return settlements.add(1, verdictOf(event));
      case "trace.export_failed":
        return spansDropped.add(event.spans);
      case "config.warning":
        return warnings.add(1);
      case "config.reloaded":
        reloadOk.set(1);
        return reloadedAt.set(clock.now() / 1000);
      case "config.reload_failed":
        return reloadOk.set(0);
      case "connector.draining":
        return draining.set(1);
      case "stream.connecting":
        connected.set(0, event.transport); // also of what never was
        return connects.add(1, event.transport);
      case "stream.connected":
        outage.observe(event);
        return connected.set(1, event.transport);
      case "stream.disconnected":
        outage.observe(event);
        return connected.set(0, event.transport);
      case "stream.failed":
        return connectFailures.add(1, event.transport, event.failureClass);
      case "stream.transport_changed":
        return fallbacks.add(1, event.from, event.to);
      case "stream.frame_ignored":
        return ignored.add(1, event.kind);
      case "stream.backpressure":
        return backpressure.set(event.on ? 1 : 0);
      case "delivery.duplicate":
        return duplicates.add(1, event.state);
      case "delivery.retrying":
        return retries.add(1, event.target);
      case "delivery.failed":
        if (event.replay) return;
        return deliveries.add(1, event.target ?? "", event.outcome);
      case "delivery.deferred":
        if (event.replay) return;
        return deferred.add(1, event.reason.code);
      case "breaker.changed":
        if (event.state === "open") breakerOpened.add(1, event.target);
        return breaker.set(breakerLevel[event.state], event.target);
      case "dead_letter.stored":
        return deadLettered.add(1, event.target);
      case "dead_letter.dropped":
        return deadLettersDropped.add(event.count);
      case "dead_letter.replayed":
      case "delivery.replayed":
        return replays.add(1, event.target, event.delivered ? "delivered" : "failed");
      case "journal.failed":
        return journalFailures.add(1);
      case "connector.paused":
        outage.observe(event);
        return paused.set(1);
      case "connector.resumed":
        outage.observe(event);
        return paused.set(0);
      case "settlement.failed":
        return settlementFailures.add(event.count);
      case "delivery.payload":
      case "log.lines_lost":
      case "status.listening":
      case "status.unavailable":
      case "connector.started":
      case "connector.stopped":
        return; // Nothing to count: whoever scrapes knows.
    }
  }

  return { observe, text: () => figures.text() };
}

function verdictOf({ verdict, retry }: { verdict: "ack" | "nack"; retry: boolean }): string {
  if (verdict === "ack") return "ack";
  return retry ? "nack_retry" : "nack_dead_letter";
}
