/** The relay as a process of its own, with one channel that takes whatever comes. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Runtime } from "./runtimes.ts";
import { onCore, subjectCore } from "./cores.ts";
import { ourCommand } from "./runtimes.ts";
import { Subject } from "./subject.ts";

const channel = "c";
const token = "t0ken";
const webhooks = {
  hook: {
    module: "webhook_connect",
    channel,
    channel_token: token,
    max_queue_size: 1e9,
    max_queue_bytes: 1e9,
    max_connections: 10_000,
    max_in_flight: 1_000,
  },
};

export interface RelayProcess {
  readonly url: string;
  readonly subject: Subject;
}

export interface RelayStart {
  readonly runtime: Runtime;
  /** full, normal, memory; jetstream, with `nats`. */
  readonly durability: string;
  /** Of a server with JetStream. */
  readonly nats: string | undefined;
  /** Where its files go. */
  readonly folder: string;
}

/** On a core of its own. */
export async function startRelay(start: RelayStart): Promise<RelayProcess> {
  const { runtime, durability, nats, folder } = start;
  const data = mkdtempSync(join(folder, "relay-"));
  const file = join(data, "webhooks.json");
  writeFileSync(file, JSON.stringify(webhooks));
  const store = nats !== undefined && durability === "jetstream"
    ? ["--store", nats]
    : ["--durability", durability, "--data", data];
  const command = [
    ...ourCommand(runtime),
    ...["relay", "--listen", "127.0.0.1:0", "--webhooks", file, "--log-level", "error"],
    ...store,
  ];
  const subject = new Subject(onCore(subjectCore, command), {}, "pipe");
  const line = await subject.told();
  return { subject, url: line.split(/\s+/)[1] ?? "" };
}

/** What a connector of the channel connects with. */
export function streamOf({ url }: RelayProcess): {
  readonly url: string;
  readonly headers: Record<string, string>;
} {
  return {
    url: `${url.replace("http", "ws")}/connect/stream/${channel}`,
    headers: {
      "Authorization": `Bearer ${token}`,
      "X-Connector-Capabilities": "exact-body, binary-body, ack-batch",
    },
  };
}

export function webhookUrl({ url }: RelayProcess): string {
  return `${url}/webhook/hook`;
}
