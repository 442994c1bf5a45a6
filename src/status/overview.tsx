/** @jsxImportSource hono/jsx */
import type { Series, TargetLoad } from "../observe/picture.ts";
import { LatencyChart, latest, RateChart } from "../page/charts.tsx";
import { Action, Facts, Panel, TableBox } from "../page/parts.tsx";
import { count, duration, plural, rate, size, span } from "../observe/wording.ts";
import { LetterList } from "./letter_list.tsx";
import type { PageSource } from "./page_source.ts";
import { readStatus, type StatusText } from "./status_text.ts";
import { TargetList } from "./target_list.tsx";

/** The parts of the overview that change, by the id of the element they are in. */
export function overviewSections(source: PageSource, mayAct: boolean): Record<string, string> {
  const status = readStatus(source.status());
  const series = source.recent.series(5);
  return {
    state: String(<State status={status} waiting={source.recent.waiting} />),
    facts: String(<Numbers status={status} loads={source.targets()} />),
    throughput: String(<Throughput series={series} />),
    latency: String(<Latency series={series} />),
    targets: String(<TargetList status={status} loads={source.targets()} />),
    ...(mayAct && { letters: String(<LetterList source={source} />) }),
  };
}

function State(
  { status, waiting = 0 }: { readonly status: StatusText; readonly waiting?: number | undefined },
) {
  const { connection, paused, draining } = status;
  const isUp = connection.state === "connected";
  const [mood, word] = draining
    ? ["quiet", "Stopping"] as const
    : paused
    ? ["busy", "Paused"] as const
    : isUp
    ? ["good", "Connected"] as const
    : ["bad", "Not connected"] as const;
  return (
    <>
      <h1 class={`state ${mood}${paused ? " is-paused" : ""}`}>
        <span class="dot" aria-hidden="true"></span>
        {word}
      </h1>
      <p class="lead">
        {connection.state === "connected"
          ? (
            <>
              over {transportName(connection.transport)} for{" "}
              <strong>{span(connection.up_seconds * 1000)}</strong>, last heard from the relay{" "}
              {connection.silent_seconds < 1
                ? "just now"
                : `${span(connection.silent_seconds * 1000)} ago`}
              {waiting > 0 && `; ${plural(waiting, "message")} had waited there`}
            </>
          )
          : (
            <>
              {paused ? "nothing is taken from the relay" : "the relay cannot be reached"}, for{" "}
              <strong>{span(connection.down_seconds * 1000)}</strong>
            </>
          )}
      </p>
      {connection.state === "disconnected" && !paused && connection.reason !== null && (
        <p class="problem">{connection.reason}</p>
      )}
      {status.config.problem !== null && (
        <p class="problem">
          The new settings are not taken, since {status.config.since}: {status.config.problem}
        </p>
      )}
      {status.journal.problem !== null && (
        <p class="problem">The journal is not available: {status.journal.problem}</p>
      )}
    </>
  );
}

function Numbers(
  { status, loads }: { readonly status: StatusText; readonly loads: readonly TargetLoad[] },
) {
  const { totals, in_hand, journal, uptime_seconds } = status;
  const letters = journal.dead_letters.messages;
  const givenBack = totals.abandoned + totals.deferred;
  const inFlight = loads.reduce((n, { inFlight }) => n + inFlight, 0);
  return (
    <Facts
      facts={[
        {
          name: "Delivered",
          value: count(totals.delivered),
          // Not "of": each target counts.
          note: [
            `${count(totals.received)} received`,
            totals.duplicates > 0 && plural(totals.duplicates, "duplicate"),
            givenBack > 0 && `${count(givenBack)} given back`,
          ].filter(Boolean).join(", "),
        },
        {
          name: "In hand",
          value: count(in_hand.messages),
          note: `${count(inFlight)} in flight, ${size(in_hand.bytes)}`,
        },
        {
          name: "Retries",
          value: count(totals.retried),
          note: `${count(totals.rejected + totals.exhausted)} failed`,
        },
        {
          name: "Dead letters",
          value: count(letters),
          note: letters === 0 ? "none kept" : "kept here",
          mood: letters === 0 ? undefined : "bad",
        },
        { name: "Running for", value: span(uptime_seconds * 1000), note: status.version },
      ]}
    />
  );
}

function Throughput({ series }: { readonly series: Series }) {
  const { stepSeconds, delivered, failed } = series;
  return (
    <>
      <p class="reading">
        <span class="key good">{rate(latest(delivered))}</span> delivered a second,{" "}
        <span class="key bad">{rate(latest(failed))}</span> failed attempts
      </p>
      <RateChart
        up={{ stepSeconds, values: delivered, name: "Delivered" }}
        down={{ stepSeconds, values: failed, name: "Failed attempts" }}
      />
    </>
  );
}

function Latency({ series }: { readonly series: Series }) {
  const last = series.p50.findLastIndex((ms) => ms !== undefined);
  const [median, slow] = [series.p50[last], series.p95[last]];
  return (
    <>
      {median === undefined || slow === undefined
        ? <p class="reading">Nothing was sent in the last five minutes</p>
        : (
          <p class="reading">
            <span class="key dot">{duration(median)}</span> median,{" "}
            <span class="key whisker">{duration(slow)}</span> slowest twentieth
          </p>
        )}
      <LatencyChart {...series} />
    </>
  );
}

/** The overview up to the messages. */
export function Overview(
  { source, mayAct }: { readonly source: PageSource; readonly mayAct: boolean },
) {
  const status = readStatus(source.status());
  const series = source.recent.series(5);
  return (
    <>
      <div class="hero">
        <div id="state">
          <State status={status} waiting={source.recent.waiting} />
        </div>
        {mayAct && (
          // The stylesheet shows the one that fits the state beside it, which may change.
          <div class="switch">
            <Action path="/-/form/pause" name="Pause" />
            <Action path="/-/form/resume" name="Resume" kind="primary" />
          </div>
        )}
      </div>
      <div id="facts">
        <Numbers status={status} loads={source.targets()} />
      </div>
      <div class="charts">
        <Panel title="Throughput">
          <div id="throughput">
            <Throughput series={series} />
          </div>
        </Panel>
        <Panel title="Latency">
          <div id="latency">
            <Latency series={series} />
          </div>
        </Panel>
      </div>
      <Panel title="Targets">
        <TableBox label="Targets">
          <div id="targets">
            <TargetList status={status} loads={source.targets()} />
          </div>
        </TableBox>
      </Panel>
      {mayAct && (
        <div id="letters">
          <LetterList source={source} />
        </div>
      )}
    </>
  );
}

function transportName(name: string): string {
  const names: Record<string, string> = {
    websocket: "WebSocket",
    sse: "server-sent events",
    long_poll: "long-poll",
  };
  return names[name] ?? name;
}
