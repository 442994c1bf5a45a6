/** @jsxImportSource hono/jsx */
import { latest, RateChart } from "../../page/charts.tsx";
import { Badge, Facts, Head, Panel, TableBox } from "../../page/parts.tsx";
import { count, plural, rate, span } from "../../observe/wording.ts";
import type { RegisteredChannel } from "../registry.ts";
import type { RelayRates } from "./relay_rates.ts";

/** What the relay's page shows, asked when somebody looks. */
export interface RelayView {
  readonly channels: readonly RegisteredChannel[];
  readonly rates: RelayRates;
  /** Why nothing can be stored now. */
  readonly problem: string | undefined;
  readonly store: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const stepSeconds = 5;

/** The parts that change, by the id of the element they are in. */
export function relaySections(view: RelayView): Record<string, string> {
  return {
    state: String(<State view={view} />),
    facts: String(<Numbers view={view} />),
    throughput: String(<Throughput rates={view.rates} />),
    channels: String(<Channels view={view} />),
  };
}

export function RelayOverview({ view }: { readonly view: RelayView }) {
  return (
    <>
      <div class="hero">
        <div id="state">
          <State view={view} />
        </div>
      </div>
      <div id="facts">
        <Numbers view={view} />
      </div>
      <Panel title="Throughput">
        <div id="throughput">
          <Throughput rates={view.rates} />
        </div>
      </Panel>
      <Panel title="Channels">
        <TableBox label="Channels">
          <div id="channels">
            <Channels view={view} />
          </div>
        </TableBox>
      </Panel>
    </>
  );
}

function State({ view: { problem, channels, store } }: { readonly view: RelayView }) {
  const readers = sum(channels, ({ channel }) => channel.openCount);
  return (
    <>
      <h1 class={`state ${problem === undefined ? "good" : "bad"}`}>
        <span class="dot" aria-hidden="true"></span>
        {problem === undefined ? "Takes webhooks" : "Cannot store"}
      </h1>
      <p class="lead">
        {plural(readers, "connector")} on {plural(channels.length, "channel")}; messages in {store}
      </p>
      {problem !== undefined && <p class="problem">{problem}</p>}
    </>
  );
}

function Numbers({ view: { channels, now } }: { readonly view: RelayView }) {
  const stats = channels.map(({ channel }) => channel.stats);
  const letters = sum(stats, ({ deadLetters }) => deadLetters);
  const oldest = Math.min(...stats.map(({ oldestAt }) => oldestAt ?? Infinity));
  return (
    <Facts
      facts={[
        {
          name: "Waiting",
          value: count(sum(stats, ({ queued }) => queued)),
          note: "to be handed out",
        },
        {
          name: "In flight",
          value: count(sum(stats, ({ inFlight }) => inFlight)),
          note: "not settled",
        },
        {
          name: "Oldest",
          value: oldest === Infinity ? "none" : span(now - oldest),
          note: "unsettled",
        },
        {
          name: "Delivered",
          value: count(sum(stats, ({ delivered }) => delivered)),
          note: "acknowledged",
        },
        {
          name: "Dead letters",
          value: count(letters),
          note: letters === 0 ? "none kept" : "kept here",
          mood: letters === 0 ? undefined : "bad",
        },
      ]}
    />
  );
}

function Throughput({ rates }: { readonly rates: RelayRates }) {
  const { received, delivered, givenBack } = rates.steps(stepSeconds);
  return (
    <>
      <p class="reading">
        {rate(latest(received))} received a second,{" "}
        <span class="key good">{rate(latest(delivered))}</span> delivered,{" "}
        <span class="key bad">{rate(latest(givenBack))}</span> given back
      </p>
      <RateChart
        up={{ stepSeconds, values: delivered, name: "Delivered" }}
        down={{ stepSeconds, values: givenBack, name: "Given back" }}
      />
    </>
  );
}

function Channels({ view: { channels, now } }: { readonly view: RelayView }) {
  return (
    <table>
      <caption class="sr">Channels</caption>
      <Head
        columns={[
          { name: "Channel" },
          { name: "Connectors" },
          { name: "Waiting", kind: "number" },
          { name: "In flight", kind: "number" },
          { name: "Delivered", kind: "number wide" },
          { name: "Dead", kind: "number wide" },
          { name: "Oldest", kind: "number wide" },
        ]}
      />
      <tbody>
        {channels.map(({ channel, webhookIds }) => {
          const { queued, inFlight, delivered, deadLetters, oldestAt } = channel.stats;
          const readers = channel.openCount;
          const oldest = oldestAt === undefined ? undefined : span(now - oldestAt);
          return (
            <tr>
              <th scope="row">
                {channel.settings.name}
                <span class="under">{webhookIds.join(", ")}</span>
                <span class="under phone">
                  {count(delivered)} delivered, {count(deadLetters)} dead
                  {oldest !== undefined && `, oldest ${oldest}`}
                </span>
              </th>
              <td>
                {readers > 0
                  ? <Badge mood="good">{count(readers)} connected</Badge>
                  : channel.isShared
                  ? <Badge mood="quiet">none here</Badge>
                  : <Badge mood={queued > 0 ? "bad" : "quiet"}>none</Badge>}
              </td>
              <td class="number">{count(queued)}</td>
              <td class="number">{count(inFlight)}</td>
              <td class="number wide">{count(delivered)}</td>
              <td class="number wide">{count(deadLetters)}</td>
              <td class="number wide">{oldest ?? ""}</td>
            </tr>
          );
        })}
        {channels.length === 0 && (
          <tr>
            <td colspan={7} class="empty">There is no channel yet.</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}
