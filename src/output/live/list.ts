import { duration, rate, span } from "../../observe/wording.ts";
import type { RecentMessage } from "../../observe/picture.ts";
import { fit, wrapped } from "./columns.ts";
import type { LivePicture } from "./live_picture.ts";
import { outcomeOf } from "./outcome.ts";
import type { Paint } from "./paint.ts";
import { chosenIndex, filtered, type Ui } from "./ui.ts";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Beside messages and titles: heading, notice, status bar, keys. */
const otherLines = 4;
/** A terminal with fewer rows shows one title. */
const rowsForTitles = 10;
const least = { path: 12, outcome: 18, took: 9, attempts: 8 };

/** The whole screen: the last messages and the status bar. */
export function listLines(
  picture: LivePicture,
  ui: Ui,
  notice: string,
  { columns, rows }: Size,
  paint: Paint,
  hasKeys = true,
): string[] {
  const shown = filtered(ui, picture.messages);
  const titles = picture.titles.slice(0, rows < rowsForTitles ? 1 : undefined);
  const room = Math.max(1, rows - otherLines - titles.length);
  const chosen = chosenIndex(ui, shown);
  const from = Math.max(0, chosen - room + 1);
  const list = shown.slice(from, from + room).map((message, at) => {
    const row = messageRow(message, picture.now, columns);
    const isChosen = from + at === chosen;
    if (isChosen) return paint("chosen", fit(`>${row.before}${row.outcome}${row.after}`, columns));
    return ` ${row.before}${paint(row.look, row.outcome)}${row.after}`;
  });
  if (list.length === 0) {
    const said = nothing(picture, ui).flatMap((line) => wrapped(line, columns - 2));
    list.push(...said.slice(0, room).map((line) => paint("quiet", fit(` ${line}`, columns))));
  }
  return [
    ...titles.map((title) => fit(` ${title}`, columns)),
    paint("strong", fit(` ${heading(columns)}`, columns)),
    ...list,
    ...Array<string>(room - list.length).fill(""),
    fit(` ${notice}`, columns),
    statusBar(picture, columns, paint),
    paint("quiet", fit(` ${hasKeys ? keys(ui, picture) : noKeys}`, columns)),
  ];
}

function heading(columns: number): string {
  const { before, outcome, after } = cells(
    ["TIME", "METHOD", "PATH", "STATUS", "DURATION", "ATTEMPTS"],
    columns,
  );
  return before + outcome + after;
}

function messageRow(message: RecentMessage, now: number, columns: number) {
  const { at, method, webhookId, path, attemptCount, durationMs } = message;
  const { text, look } = outcomeOf(message);
  const took = durationMs === undefined ? "" : duration(durationMs);
  const row = cells([
    timeOrDay(at, now),
    method,
    `/${webhookId}${path}`,
    text,
    took,
    `${attemptCount}`,
  ], columns);
  return { ...row, look };
}

/** "14:03:22", or the day where that is another one: "Nov 28". */
function timeOrDay(at: number, now: number): string {
  const date = new Date(at);
  return date.toDateString() === new Date(now).toDateString()
    ? date.toTimeString().slice(0, 8)
    : date.toDateString().slice(4, 10);
}

/** A row in columns beside its mark; the path takes what is left, and at the right is cut what finds no room. */
function cells(
  [time, method, path, outcome, took, attempts]: readonly [
    ...[string, string, string, string, string, string],
  ],
  columns: number,
) {
  const others = 8 + 2 + 7 + 1 + 2;
  const last = least.took + 1 + least.attempts;
  let left = columns - 1;
  const wide = Math.max(least.path, left - others - least.outcome - last);
  const next = (text: string, width: number) => {
    const room = Math.min(width, left);
    left -= room;
    return fit(text, room);
  };
  return {
    before: next(`${fit(time, 8)}  ${fit(method, 7)} ${fit(path, wide)}  `, others + wide),
    outcome: next(outcome, least.outcome),
    after: next(
      `${fit(took, least.took, "right")} ${fit(attempts, least.attempts, "right")}`,
      last,
    ),
  };
}

/** What stands where no message does. */
function nothing({ transport, trouble }: LivePicture, { filter }: Ui): string[] {
  if (filter !== "") return [`no message has ${JSON.stringify(filter)} in it; esc shows all`];
  if (transport !== undefined) return ["no message has come yet"];
  return trouble === undefined ? ["not connected yet"] : ["not connected yet:", trouble];
}

function statusBar(picture: LivePicture, columns: number, paint: Paint): string {
  const { transport, sinceMs, trouble, inFlight, perSecond, failed, deadLetters } = picture;
  const state = picture.isDraining ? "stopping" : picture.isPaused ? "paused" : undefined;
  const link = transport !== undefined
    ? `${transport} for ${span(sinceMs)}`
    : picture.isPaused
    ? "not connected meanwhile"
    : `not connected for ${span(sinceMs)}`;
  const parts = [
    ...(state === undefined ? [] : [state.toUpperCase()]),
    link,
    ...(trouble === undefined || picture.isPaused ? [] : [trouble]),
    `in flight ${inFlight}`,
    `${rate(perSecond)}/s`,
    `failed ${failed}`,
    ...(deadLetters === 0 ? [] : [`dead letters ${deadLetters}`]),
  ];
  const look = state !== undefined ? "busy" : transport === undefined ? "bad" : "good";
  return paint(look, fit(` ${parts.join(" | ")}`, columns));
}

const noKeys = "Ctrl-C ends it; standard input is no terminal, so there are no keys";

function keys({ filter, isTyping }: Ui, { isPaused, isDraining }: LivePicture): string {
  if (isTyping) return `filter: ${filter}_   enter keeps it, esc drops it`;
  if (isDraining) return "finishing what is in hand; q again stops now";
  const by = filter === "" ? "f filter" : `f filter: ${filter} (esc: all)`;
  return `up/down  enter details  r replay  p ${isPaused ? "resume" : "pause"}  ${by}  q quit`;
}
