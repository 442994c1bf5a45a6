import type { KeptBody, KeptExchanges, RecentMessage } from "../../observe/picture.ts";
import { duration, size } from "../../observe/wording.ts";
import { utf8Beginning } from "../../protocol/body_text.ts";
import { fit } from "./columns.ts";
import type { Size } from "./list.ts";
import { outcomeOf } from "./outcome.ts";
import type { Paint } from "./paint.ts";

/** Beside the text: notice and keys. */
const otherLines = 2;

/** All that is known of one message. */
export function detailText(
  message: RecentMessage,
  exchanges: KeptExchanges | "off" | undefined,
): string[] {
  return [...about(message), ...exchangeText(exchanges)];
}

/** The line to begin with that shows the end; none further on need be. */
export function lastFrom(all: readonly string[], { rows }: Size): number {
  return Math.max(0, all.length - roomIn(rows));
}

function roomIn(rows: number): number {
  return Math.max(1, rows - otherLines);
}

/** The whole screen: details from a line on. */
export function detailLines(
  all: readonly string[],
  first: number,
  notice: string,
  { columns, rows }: Size,
  paint: Paint,
): string[] {
  const room = roomIn(rows);
  const shown = all.slice(first, first + room).map((line) =>
    line.startsWith("# ")
      ? paint("strong", fit(` ${line.slice(2)}`, columns))
      : fit(`   ${line}`, columns)
  );
  const more = all.length > room
    ? `lines ${first + 1} to ${Math.min(all.length, first + room)} of ${all.length}  `
    : "";
  return [
    ...shown,
    ...Array<string>(room - shown.length).fill(""),
    fit(` ${notice}`, columns),
    paint("quiet", fit(` ${more}up/down  r replay  esc back  q quit`, columns)),
  ];
}

function about(message: RecentMessage): string[] {
  const { messageId, webhookId, method, path, at, lagMs, bytes, traceId, copies } = message;
  const { standing, reason, settled, attempts, attemptCount } = message;
  const facts: [string, string | undefined][] = [
    ["webhook", `${method} /${webhookId}${path}`],
    [
      "received",
      `${new Date(at).toDateString()} ${timeOf(at)}${
        lagMs === undefined ? "" : `, ${duration(lagMs)} after the relay`
      }`,
    ],
    ["size", bytes === undefined ? undefined : size(bytes)],
    ["came", copies > 1 ? `${copies} times` : undefined],
    ["outcome", `${outcomeOf(message).text}${standing === "delivered" ? " delivered" : ""}`],
    ["reason", reason],
    ["relay", settled === undefined ? "not told yet" : `told ${settled}`],
    ["trace", traceId],
  ];
  return [
    `# ${messageId}`,
    ...facts.flatMap(([name, text]) => text === undefined ? [] : [`${name.padEnd(9)} ${text}`]),
    "",
    `# Attempts: ${attemptCount}`,
    ...attempts.map(({ target, attempt, startedAt, durationMs, status, reason }) =>
      [
        `${timeOf(startedAt)}  ${target} #${attempt}`,
        `${status ?? "no answer"} in ${duration(durationMs)}${reason ? `  ${reason}` : ""}`,
      ].join("  ")
    ),
    "",
  ];
}

function exchangeText(exchanges: KeptExchanges | "off" | undefined): string[] {
  if (exchanges === "off") return ["Requests and responses are not kept; --inspect keeps them."];
  if (!exchanges) return [];
  const { received, sent } = exchanges;
  return [
    "# Received",
    received.line,
    ...headerLines(received.headers),
    ...bodyLines(received.body),
    ...sent.flatMap(({ target, attempt, request, response }) => [
      `# Sent to ${target} #${attempt}`,
      request.line,
      ...headerLines(request.headers),
      ...(request.body === received.body
        ? ["", "(the body as received)", ""]
        : bodyLines(request.body)),
      `# Answer of ${target} #${attempt}`,
      ...(response
        ? [
          `${response.status}`,
          ...headerLines(response.headers),
          ...bodyLines(response.body),
        ]
        : ["none", ""]),
    ]),
  ];
}

function headerLines(headers: readonly (readonly [string, string])[]): string[] {
  return headers.map(([name, value]) => `${name}: ${value}`);
}

function bodyLines({ bytes, isCut, total }: KeptBody): string[] {
  if (total === 0) return [""];
  const text = utf8Beginning(bytes, isCut);
  if (text === undefined) return ["", `(${size(total)} that are not text)`, ""];
  const cut = isCut ? [`(the first ${size(bytes.byteLength)} of ${size(total)})`] : [];
  return ["", ...text.trimEnd().replaceAll("\t", "  ").split(/\r?\n/), ...cut, ""];
}

function timeOf(at: number): string {
  const date = new Date(at);
  return `${date.toTimeString().slice(0, 8)}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}
