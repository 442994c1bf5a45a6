/**
 * Writes what is made from the option list (docs/CONFIGURATION.md, docs/config.schema.json, the table in the
 * README), from the events (docs/EVENTS.md) and from the records of standard output (docs/output.schema.json). With --check it writes nothing and fails when a file is not what it would write.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { z } from "zod";
import { accepted } from "../src/config/option_value.ts";
import { envName, flagName, type Option, options } from "../src/config/options.ts";
import { configSchema } from "../src/config/schema.ts";
import { recordSchema } from "../src/output/record.ts";
import { eventsPage } from "./event_tables.ts";

const root = join(import.meta.dirname ?? ".", "..");

/** Path below the repository and the whole content it should have. */
export function generated(read: (path: string) => string): Map<string, string> {
  const about = read("src/protocol/about.ts");
  return new Map([
    ["docs/config.schema.json", `${JSON.stringify(configSchema(), null, 2)}\n`],
    ["docs/output.schema.json", `${JSON.stringify(z.toJSONSchema(recordSchema), null, 2)}\n`],
    ["docs/CONFIGURATION.md", configurationPage()],
    [
      "docs/EVENTS.md",
      eventsPage({
        events: about + read("src/observe/events.ts"),
        levels: read("src/observe/event_level.ts"),
      }, {
        events: about + read("src/relay/relay_events.ts"),
        levels: read("src/relay/relay_event_level.ts"),
      }, read("src/protocol/reason.ts")),
    ],
    ["README.md", withTable(read("README.md"))],
  ]);
}

function configurationPage(): string {
  return `# Configuration

Generated from \`src/config/options.ts\` by \`deno task docs\`.

Defaults, then the file, then \`CONNECTOR_*\` variables, then flags: the later one wins. "Set" means
present: a variable that equals the default still counts, an empty one does not. Durations are
seconds. Switches are given as \`--name\` and \`--no-name\`. \`hookferry config show\` tells every value
and where it came from; \`hookferry config check\` tells everything that is wrong, and warns of a
variable that is nearly one of these.

The file is \`connector.json\`, \`.jsonc\`, \`.yaml\` or \`.yml\` in the current folder, in
\`~/.config/hookferry\` or in \`/etc/hookferry\`; \`--config FILE\` names another. An editor
completes it by the schema that \`hookferry config schema\` prints
([config.schema.json](config.schema.json)).

In a file \`\${VAR}\` stands for an environment variable and \`\${file:PATH}\` for what is in a file,
without the line break at its end; also inside a text, also for a number or a switch. \`$\${\` is a
plain \`\${\`. One that leads nowhere is an error. Messages, \`config show\`
and what is told of a reload show the reference in a text, never what it stands for.

\`profiles\` holds settings by name: \`--profile staging\`, \`CONNECTOR_PROFILE\` or \`profile\` chooses one,
and its settings take the place of the file's; of \`targets\`, those of the same webhook id. Where it says
\`token_file\`, the file's \`token\` no longer counts, nor \`token_file\` where it says \`token\`; so it is with
\`target_url\` and \`default_target\`, and in \`connections\` too.

\`\`\`yaml
cloud_url: https://relay.example
channel: orders
token: \${file:/run/secrets/orders}
default_target: { url: "http://127.0.0.1:\${PORT}/hooks" }
profiles:
  staging:
    channel: orders-staging
\`\`\`

## Several relays and channels

\`connections\` holds settings by name: one process reads them all. Each is a connector of its own, with
its own queue, places, journal and breakers, so that a flood in one does not starve another; what it
does not say is said at the top. \`status_*\`, \`log_*\`, \`inspect*\` and \`output\` are of the process and stand
at the top only. Variables and flags hold for all of them. The \`connections\` of a profile take the place
of the file's, all of them.

\`\`\`yaml
token_file: /run/secrets/hookferry
default_target: { url: "http://127.0.0.1:3000/hooks" }
connections:
  eu: { cloud_url: https://eu.relay.example, channel: orders }
  us: { cloud_url: https://us.relay.example, channel: orders, max_queue_messages: 100 }
\`\`\`

Log lines and metrics then have \`connection\`; \`hookferry_connection_info\` tells relay and channel of each.
\`/status\` has each below \`connections\`, \`/readyz\` is ready when all are, pause, resume and dead letters are
of all. There is no page then, and no live view, and \`hookferry dead-letters\` needs the running process.

## While it runs

\`connect\` reads the files again when one of them has changed (it looks every second), on SIGHUP, and
when asked by \`POST /-/reload\` with the status token: the configuration file, the token, certificates,
what references name, also of settings that were refused. All of it is validated first; what is not
valid changes nothing and is told (\`config.reload_failed\`, \`hookferry_config_last_reload_successful\` 0, and by
\`hookferry status\` and the page until some are taken). What is valid counts at once and is told with
what was and is (\`config.reloaded\`):

- targets: for the next message; a target that stays the same keeps its connections and its breaker,
  what is under way at another one ends there, and what waits for its breaker goes to the new one;
- the token: for the next request; how the relay is reached, certificates included: the connection is
  opened anew, once, and what is in hand stays in hand;
- another relay, channel, journal, or bounds of what is in hand: the connector finishes what it has, then
  another takes its place in the same process;
- \`connections\`: all side by side. What is new begins, what is gone finishes what it has; where one
  of them cannot be made (\`on_journal_failure: stop\`), all stay as they were;
- \`status_*\`, \`log_*\`, \`inspect*\` and \`output\`: at the next start, which is said.

When the relay refuses the token it is read again before anything else.

## Settings

| key | variable | flag | accepted | default | |
|---|---|---|---|---|---|
${options.map(row).join("\n")}

## Targets

\`default_target\` is an object; \`targets\` is an object of webhook id and such an object. A webhook id
that has no target, where there is no default either, is given back to the relay and shouted about;
after \`max_deliveries\` (10, 5 s apart) the relay puts it among its dead letters.

| key | accepted | |
|---|---|---|
${targetRows().join("\n")}

\`target_url\` (a flag or a variable, say) puts another default target in the place of
\`default_target\`, headers and all; \`target_method\` and \`target_timeout\` alone change only these.

\`\`\`json
{
  "$schema": "./connector.schema.json",
  "cloud_url": "https://relay.example",
  "channel": "orders",
  "token_file": "/run/secrets/orders",
  "default_target": { "url": "http://127.0.0.1:3000/hooks" },
  "targets": {
    "stripe": {
      "url": "https://billing.internal/stripe",
      "ca_cert_path": "/etc/ssl/internal-ca.pem",
      "headers": { "X-Api-Key": "..." },
      "timeout_seconds": 10,
      "retry_max_attempts": 5
    }
  }
}
\`\`\`
`;
}

function row(option: Option): string {
  const flag = option.flag === false
    ? ""
    : `\`--${option.kind.type === "boolean" ? "[no-]" : ""}${flagName(option)}\``;
  const fallback = option.default === undefined ? "" : `\`${option.default}\``;
  const cells = [`\`${option.key}\``, `\`${envName(option)}\``, flag];
  return `| ${[...cells, accepted(option.kind), fallback, option.help].join(" | ")} |`;
}

interface Property {
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Property[];
  readonly properties?: Readonly<Record<string, Property>>;
}

function targetRows(): string[] {
  const { $defs } = configSchema() as {
    $defs: { target: { required: string[]; properties: Record<string, Property> } };
  };
  return rowsOf($defs.target.properties, $defs.target.required);
}

/** A row for each property, one inside another named by its path. */
function rowsOf(
  properties: Readonly<Record<string, Property>>,
  required: readonly string[] = [],
  prefix = "",
): string[] {
  return Object.entries(properties).flatMap(([key, property]) => {
    const [first = property] = property.anyOf ?? [];
    const what = first.enum?.join(", ") ?? first.type ?? "string";
    const need = required.includes(key) ? ", required" : "";
    const row = `| \`${prefix}${key}\` | ${what}${need} | ${property.description ?? ""} |`;
    return [row, ...rowsOf(first.properties ?? {}, [], `${prefix}${key}.`)];
  });
}

const begin = "<!-- settings: generated by deno task docs -->";
const end = "<!-- settings end -->";

function withTable(readme: string): string {
  const [before, after] = [readme.split(begin)[0], readme.split(end)[1]];
  if (before === undefined || after === undefined) throw new Error(`README.md has no ${begin}`);
  const rows = options.map((option) => {
    const fallback = option.default === undefined ? "" : `\`${option.default}\``;
    return [`\`${option.key}\``, fallback, option.help];
  });
  return `${before}${begin}\n\n${table(["setting", "default", ""], rows)}\n\n${end}${after}`;
}

/** As `deno fmt` would write it: cells of one width. */
function table(head: string[], rows: string[][]): string {
  const widths = head.map((_, i) =>
    Math.max(3, ...[head, ...rows].map((cells) => cells[i]?.length ?? 0))
  );
  const line = (cells: string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

if (import.meta.main) {
  const read = (path: string) => {
    try {
      return readFileSync(join(root, path), "utf8");
    } catch {
      return "";
    }
  };
  const isCheck = process.argv.includes("--check");
  for (const [path, content] of generated(read)) {
    if (read(path) === content) continue;
    if (!isCheck) {
      writeFileSync(join(root, path), content);
      console.log(`wrote ${path}`);
      continue;
    }
    console.error(`${path} is not what the source says: run deno task docs`);
    process.exitCode = 1;
  }
}
