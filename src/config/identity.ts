/** What tells a connector from others, and so where its journal is. */
import { createHash } from "node:crypto";
import { channelNameRule, isChannelName } from "../protocol/channel_name.ts";
import { ConfigError, type Report } from "./config_error.ts";
import { type Layers, mergeLayers, type Values } from "./merge.ts";
import { withOrigin } from "./problem_origin.ts";
import type { JournalSettings, SourceSettings } from "./settings.ts";
import { isSmee, smeeChannel } from "./smee_source.ts";
import { readSourceUrl } from "./source_url.ts";

export interface Identity {
  readonly source: Pick<SourceSettings, "url" | "channel" | "connectorId" | "protocol">;
  readonly journal: JournalSettings;
}

/** CHANNEL@HOST, and what else tells connectors of a channel apart. */
export function identityText({ channel, url, connectorId, protocol }: Identity["source"]): string {
  // What tells smee streams apart is a secret.
  const path = protocol === "smee" ? [sha256(url.pathname).slice(0, 12)] : [];
  const id = connectorId === undefined ? [] : [connectorId];
  return [channel, url.host, ...path, ...id].join("@");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Problems with these keep it from being known. */
const keys = new Set([
  "cloud_url",
  "channel",
  "source",
  "allow_insecure",
  "connector_id",
  "journal",
  "profile",
  "profiles",
]);

/** The identity that the layers come to, whatever else is wrong with them. Throws `ConfigError`. */
export function loadIdentity(layers: Layers): Identity {
  const problems: string[] = [];
  const values = mergeLayers(layers, (problem) => problems.push(problem));
  const { url, channel, connectorId, protocol, journal } = readIdentity(values, problems);
  const ofIdentity = problems.filter((problem) => keys.has(/^\w*/.exec(problem)?.[0] ?? ""));
  if (!url || !channel || !journal || ofIdentity.length > 0) throw new ConfigError(ofIdentity);
  return { source: { url, channel, connectorId, protocol }, journal };
}

/** What is missing or wrong is added to the problems, unless they tell of it already, and undefined here. */
export function readIdentity(values: Values, problems: string[]) {
  const report: Report = (problem) => problems.push(withOrigin(problem, values));
  const url = required(
    "cloud_url",
    (given) => readSourceUrl(given, values.get("allow_insecure")),
  );
  const channel = required(
    "channel",
    (given) => isChannelName(given) ? { name: given } : `use ${channelNameRule}`,
    isSmee(values) ? smeeChannel : undefined,
  );
  return {
    url,
    channel: channel?.name,
    connectorId: values.get("connector_id"),
    protocol: isSmee(values) ? "smee" as const : values.get("protocol"),
    journal: readJournal(values, report),
  };

  function required<T extends object>(
    key: "cloud_url" | "channel",
    read: (given: string) => T | string,
    byItself?: string,
  ): T | undefined {
    const given = values.get(key) ?? byItself;
    if (given === undefined) {
      if (!problems.some((problem) => problem.startsWith(`${key}:`))) {
        report(`${key}: is required`);
      }
      return undefined;
    }
    const value = read(given);
    if (typeof value === "object") return value;
    report(`${key}: ${values.quoted(key)}: ${value}`);
    return undefined;
  }
}

function readJournal(values: Values, report: Report): JournalSettings | undefined {
  const given = values.get("journal");
  const onFailure = values.get("on_journal_failure");
  if (given === undefined) return { place: { kind: "default" }, onFailure };
  if (given === "memory") return { place: { kind: "memory" }, onFailure };
  const folder = /^sqlite:(.+)$/.exec(given)?.[1];
  if (folder !== undefined && /^~(\/|$)/.test(folder)) {
    report(`journal: ${values.quoted("journal")}: write the home out: only a shell knows ~`);
    return undefined;
  }
  if (folder !== undefined) return { place: { kind: "folder", folder }, onFailure };
  report(`journal: ${values.quoted("journal")} is neither memory nor sqlite:FOLDER`);
  return undefined;
}
