/** docs/EVENTS.md, read off the source: the unions of events and codes, and the switches that give the levels. */

interface EventRow {
  readonly name: string;
  /** One, or those it can have. */
  readonly levels: readonly string[];
  /** `name: type`, as in the union. */
  readonly fields: readonly string[];
  readonly about: string;
}

export interface EventSources {
  /** The text of the modules with the union and with `About`. */
  readonly events: string;
  /** The text of the module with the switch. */
  readonly levels: string;
}

/** `codes`: the text of the module with the unions of codes. */
export function eventsPage(connector: EventSources, relay: EventSources, codes: string): string {
  return `# Events

Generated from \`src/observe/events.ts\` and \`src/relay/relay_events.ts\` by \`deno task docs\`.

Every line of the log is one event: \`time\`, \`level\`, \`event\` and its fields. Names and fields are
stable; new ones may be added. ERROR: a person must act. WARNING: it is being dealt with. INFO: the
state changed, or a webhook was delivered. DEBUG: every step. Times that end in \`Ms\` are milliseconds,
\`traceId\` is that of the webhook's \`traceparent\`. \`reason\` is \`{ code, message, status? }\`: the
[codes](#reasons) are for programs, the message is for people.

A warning or an error that comes again within ten seconds (same event, connection, target or transport,
same code) is counted; the next line has the last of them, with its own time, and \`repeated\`, how many
there were. It comes before the line that says it is over: that of \`stream.failed\` before
\`stream.connected\`. At level debug every one has its line.

## Connector

${table(eventRows(connector))}

## Relay

${table(eventRows(relay))}

## Reasons

\`code\` of a \`reason\`: why an attempt or a delivery did not succeed. Dead letters have them too.

${codeTable(codeRows("ReasonCode", codes))}

\`failureClass\` of \`stream.failed\`: why there is no stream.

${codeTable(codeRows("StreamFailureClass", codes))}
`;
}

export interface CodeRow {
  readonly code: string;
  readonly about: string;
}

/** The members of a union of texts. Throws when one has no word about it. */
export function codeRows(union: string, text: string): CodeRow[] {
  const [, members = ""] =
    new RegExp(`export type ${union} =([\\s\\S]*?);\\n(?:\\n|$)`).exec(text) ?? [];
  const rows = [...members.matchAll(/(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*)?\| "(\w+)"/g)]
    .map(([, about = "", code = ""]) => ({ code, about: oneLine(about.replace(/^\s*\*/gm, "")) }));
  const bare = rows.find(({ about }) => about === "");
  if (bare || rows.length === 0) throw new Error(`${union} ${bare?.code ?? ""} says nothing`);
  return rows;
}

function codeTable(rows: readonly CodeRow[]): string {
  const lines = rows.map(({ code, about }) => `| \`${code}\` | ${about} |`);
  return ["| code | |", "| --- | --- |", ...lines].join("\n");
}

/** Throws when an event has no level: then what is read here is no longer how the source is written. */
export function eventRows({ events, levels }: EventSources): EventRow[] {
  const level = levelsByEvent(levels);
  const [, shared = ""] = /export interface About \{([^}]*)\}/.exec(events) ?? [];
  const union = /export type \w+Event =([\s\S]*?);\n(?:\n|$)/.exec(events)?.[1] ?? "";
  return union.split(/\n {2}(?=\| |\/\*\*)/).reduce<EventRow[]>((rows, part) => {
    const name = /readonly type: "([^"]+)"/.exec(part)?.[1];
    if (name === undefined) return rows;
    const found = level.get(name);
    if (!found) throw new Error(`the event ${name} has no level`);
    const before = union.slice(0, union.indexOf(`readonly type: "${name}"`));
    const about = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*\| (?:About & )?\{\s*$/.exec(before)?.[1] ??
      "";
    const fields = [/^\s*\| About & \{/m.test(part) ? shared : "", part].flatMap(fieldsIn);
    return [...rows, {
      name,
      levels: found,
      fields,
      about: oneLine(about.replace(/^\s*\*/gm, "")),
    }];
  }, []);
}

function fieldsIn(type: string): string[] {
  const plain = type.replace(/\/\*\*[\s\S]*?\*\//g, "");
  return [...plain.matchAll(/readonly (\w+\??): (\{[^}]*\}|[^;{}]+)/g)]
    .filter(([, field]) => field !== "type")
    .map(([, field, type = ""]) => `${field}: ${oneLine(type.replaceAll("readonly ", ""))}`);
}

/** `case "x":` lines, and the levels named in the `return` behind them. */
function levelsByEvent(text: string): Map<string, readonly string[]> {
  const levels = new Map<string, readonly string[]>();
  for (
    const [, cases = "", result = ""] of text.matchAll(/((?:case "[^"]+":\s*)+)return ([^;]+);/g)
  ) {
    const named = [...result.matchAll(/(?<!=== )"(debug|info|warning|error)"/g)].map((
      [, one = ""],
    ) => one);
    for (const [, name = ""] of cases.matchAll(/"([^"]+)"/g)) levels.set(name, named);
  }
  return levels;
}

function table(rows: readonly EventRow[]): string {
  const lines = rows.map(({ name, levels, fields, about }) => {
    const shown = fields.map((field) => `\`${field.replaceAll("|", "\\|")}\``).join(", ");
    return `| \`${name}\` | ${levels.join(" or ")} | ${shown} | ${about} |`;
  });
  return ["| event | level | fields | |", "| --- | --- | --- | --- |", ...lines].join("\n");
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
