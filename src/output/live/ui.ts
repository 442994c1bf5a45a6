import type { RecentMessage } from "../../observe/picture.ts";
import { outcomeOf } from "./outcome.ts";

/** What whoever looks has chosen. */
export interface Ui {
  /** The message that is chosen, and may have left the list; undefined = the newest, whichever that is. */
  readonly chosen: string | undefined;
  /** The message whose details are shown, and from which line on. */
  readonly details: { readonly messageId: string; readonly from: number } | undefined;
  readonly filter: string;
  /** Whether the filter is being typed. */
  readonly isTyping: boolean;
}

export const firstUi: Ui = { chosen: undefined, details: undefined, filter: "", isTyping: false };

export type Action = "stop" | "replay" | "toggle_pause";

/** A key, as node:readline names it; `text` is what it types. */
export interface Key {
  readonly name: string | undefined;
  readonly text: string | undefined;
  readonly ctrl: boolean;
}

const page = 10;
const steps: Readonly<Record<string, number>> = {
  up: -1,
  k: -1,
  down: 1,
  j: 1,
  pageup: -page,
  pagedown: page,
  home: -Infinity,
  end: Infinity,
};
const actions: Readonly<Record<string, Action>> = { q: "stop", r: "replay", p: "toggle_pause" };

/** What a key makes of it; `shown` are the messages that pass the filter, the newest first. */
export function press(
  ui: Ui,
  key: Key,
  shown: readonly RecentMessage[],
): { readonly ui: Ui; readonly action?: Action } {
  if (key.ctrl) return key.name === "c" || key.name === "d" ? { ui, action: "stop" } : { ui };
  if (ui.isTyping) return { ui: { ...typed(ui, key), chosen: undefined } };
  const name = key.name ?? "";
  const step = steps[name];
  if (step !== undefined) return { ui: moved(ui, step, shown) };
  const action = actions[name];
  if (action) return { ui, action };
  switch (name) {
    case "return":
    case "enter":
      return { ui: ui.details ? { ...ui, details: undefined } : withDetails(ui, shown) };
    case "f":
      return { ui: { ...ui, details: undefined, isTyping: true } };
    case "escape":
      return { ui: ui.details ? { ...ui, details: undefined } : { ...ui, filter: "" } };
  }
  return { ui };
}

function typed(ui: Ui, { name, text }: Key): Ui {
  switch (name) {
    case "return":
    case "enter":
      return { ...ui, isTyping: false };
    case "escape":
      return { ...ui, isTyping: false, filter: "" };
    case "backspace":
      return { ...ui, filter: [...ui.filter].slice(0, -1).join("") };
  }
  const isPrintable = text !== undefined && !/\p{Cc}/u.test(text);
  return isPrintable ? { ...ui, filter: ui.filter + text } : ui;
}

/** They stay with their message, whatever comes and whatever becomes of it. */
function withDetails(ui: Ui, shown: readonly RecentMessage[]): Ui {
  const messageId = chosenMessage(ui, shown);
  return messageId === undefined
    ? ui
    : { ...ui, chosen: messageId, details: { messageId, from: 0 } };
}

function moved(ui: Ui, step: number, shown: readonly RecentMessage[]): Ui {
  if (ui.details) {
    const from = Math.max(0, ui.details.from + step);
    return { ...ui, details: { ...ui.details, from } };
  }
  const to = Math.min(Math.max(0, chosenIndex(ui, shown) + step), shown.length - 1);
  return { ...ui, chosen: to <= 0 ? undefined : shown[to]?.messageId };
}

/** Where the chosen message is; -1 when it is not among them any more: no other is to take its place. */
export function chosenIndex({ chosen }: Ui, shown: readonly RecentMessage[]): number {
  return chosen === undefined ? 0 : shown.findIndex(({ messageId }) => messageId === chosen);
}

/** The id of the message that keys are about; undefined when there is none, or it is not among them any more. */
export function chosenMessage(ui: Ui, shown: readonly RecentMessage[]): string | undefined {
  return ui.details?.messageId ?? shown[chosenIndex(ui, shown)]?.messageId;
}

/** The messages that have the filter's words in what is shown of them. */
export function filtered(
  { filter }: Ui,
  messages: readonly RecentMessage[],
): readonly RecentMessage[] {
  const words = filter.toLowerCase().split(" ").filter((word) => word !== "");
  if (words.length === 0) return messages;
  return messages.filter((message) => {
    const { messageId, method, webhookId, path, standing, reason, targets } = message;
    const text = [
      ...[messageId, method, `/${webhookId}${path}`, standing, outcomeOf(message).text, reason],
      ...targets.map(({ name }) => name),
    ].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
