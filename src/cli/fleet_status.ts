import { mergeMetrics } from "../observe/merge_metrics.ts";
import type { StatusSource } from "../status/app.ts";
import type { Control } from "../status/control.ts";
import { controlOf } from "./connector_control.ts";
import type { Fleet, Member } from "./fleet.ts";

/** What the status server tells of a process: as of its connection, where it has one without a name. */
export function fleetStatus({ members }: Pick<Fleet, "members">): StatusSource {
  const only = () => members.get("")?.watch;
  return {
    status: () =>
      only()?.status() ?? { connections: eachOf(members, ({ watch }) => watch.status()) },
    readiness() {
      const one = only();
      if (one) return one.readiness();
      const all = [...members].map(([name, { watch }]) => ({ name, ...watch.readiness() }));
      return {
        ready: all.every(({ ready }) => ready),
        readyConnections: all.reduce((sum, { readyConnections }) => sum + readyConnections, 0),
        connectorId: all.map(({ connectorId }) => connectorId).join(","),
        parts: all.flatMap(({ name, parts }) =>
          parts.map((part) => ({ ...part, name: `${name}/${part.name}` }))
        ),
      };
    },
    async metrics() {
      const one = only();
      if (one) return await one.metrics();
      const texts = await Promise.all(
        [...members].map(async ([name, { watch }]) => [name, await watch.metrics()] as const),
      );
      return `${mergeMetrics(new Map(texts))}\n${infoOf(members)}`;
    },
  };
}

/** What can be done to all of them; a message is looked for in each. */
export function fleetControl(
  { members, pause, resume }: Pick<Fleet, "members" | "pause" | "resume">,
): Control {
  const all = () => [...members.values()].map(({ running }) => controlOf(running));
  const having = (messageId: string) => all().find((one) => one.isReplayable(messageId));
  return {
    pause,
    resume,
    letters: {
      list: (limit) =>
        all().flatMap(({ letters }) => letters.list(limit)).sort((a, b) => b.at - a.at)
          .slice(0, limit),
      of: (messageId) => all().flatMap(({ letters }) => letters.of(messageId)),
      ids: () => all().flatMap(({ letters }) => letters.ids()),
      async drop(messageId) {
        const counts = await Promise.all(all().map(({ letters }) => letters.drop(messageId)));
        return counts.reduce((sum, one) => sum + one, 0);
      },
    },
    replay: (messageId) => having(messageId)?.replay(messageId) ?? Promise.resolve(undefined),
    isReplayable: (messageId) => having(messageId) !== undefined,
  };
}

/** Which relay and channel a name stands for: a metric, so that they need not be labels of all. */
function infoOf(members: ReadonlyMap<string, Member>): string {
  const samples = [...members].map(([connection, { running: { settings: { source } } }]) =>
    `hookferry_connection_info{connection="${connection}",relay="${source.url.host}",channel="${source.channel}"} 1`
  );
  return [
    "# HELP hookferry_connection_info 1, with relay and channel of a connection.",
    "# TYPE hookferry_connection_info gauge",
    ...samples,
    "",
  ].join("\n");
}

function eachOf<T>(
  members: ReadonlyMap<string, Member>,
  read: (member: Member) => T,
): Record<string, T> {
  return Object.fromEntries([...members].map(([name, member]) => [name, read(member)]));
}
