/** The live view of a terminal: draws what is going on, and does what its keys say. */
import type { Clock } from "../../async/clock.ts";
import type { KeptExchanges, RecentMessage } from "../../observe/picture.ts";
import { detailLines, detailText, lastFrom } from "./details.ts";
import { listLines } from "./list.ts";
import type { LiveActions, LivePicture, LiveSource } from "./live_picture.ts";
import type { Paint } from "./paint.ts";
import type { Terminal } from "./terminal.ts";
import { type Action, chosenMessage, filtered, firstUi, type Key, press, type Ui } from "./ui.ts";

export interface LiveView {
  /** Something happened: it is drawn soon. */
  changed(): void;
  /** For whoever looks: one line, until another one comes or some time has passed. */
  say(text: string): void;
  /** Gives the terminal back as it was; resolves when it has taken that. */
  close(): Promise<void>;
}

export interface LiveViewOptions {
  readonly source: LiveSource;
  readonly actions: LiveActions;
  readonly terminal: Terminal;
  readonly paint: Paint;
  readonly clock: Clock;
}

/** Many events make one drawing. */
const soonMs = 100;
/** Ages and rates go on when nothing happens. */
const laterMs = 1_000;
const noticeMs = 10_000;

export function startLiveView(options: LiveViewOptions): LiveView {
  const { source, actions, terminal, paint, clock } = options;
  let ui = firstUi;
  /** The messages on the screen: keys are about what is seen there. */
  let shown: readonly RecentMessage[] = [];
  /** What the details are of, as it was known last: who reads them may take longer than the messages. */
  let inside: { message: RecentMessage; exchanges: KeptExchanges | "off" | undefined } | undefined;
  let notice = { text: "", until: -Infinity };
  let cancel = () => {};
  let isSoon = false;
  let isClosed = false;
  terminal.open(onKey, draw, actions.stop);
  draw();

  function draw(): void {
    if (isClosed) return;
    const picture = source.picture();
    shown = filtered(ui, picture.messages);
    const said = clock.monotonic() < notice.until ? notice.text : "";
    terminal.show(
      ui.details
        ? details(ui.details, picture, said)
        : listLines(picture, ui, said, terminal.size, paint, terminal.hasKeys),
    );
    drawIn(laterMs, false);
  }

  function details(
    { messageId, from }: NonNullable<Ui["details"]>,
    { messages }: LivePicture,
    said: string,
  ): string[] {
    const before = inside?.message.messageId === messageId ? inside : undefined;
    const message = messages.find((one) => one.messageId === messageId) ?? before?.message;
    const exchanges = source.exchanges(messageId) ?? before?.exchanges;
    inside = message && { message, exchanges };
    const text = message ? detailText(message, exchanges) : ["It is not known any more."];
    // Kept as it is shown: a key upwards at the end moves at once.
    const first = Math.min(from, lastFrom(text, terminal.size));
    ui = { ...ui, details: { messageId, from: first } };
    return detailLines(text, first, said, terminal.size, paint);
  }

  function drawIn(ms: number, soon: boolean): void {
    cancel();
    isSoon = soon;
    cancel = clock.after(ms, draw);
  }

  function onKey(key: Key): void {
    const pressed = press(ui, key, shown);
    ui = pressed.ui;
    if (pressed.action) act(pressed.action, chosenMessage(ui, shown));
    draw();
  }

  function act(action: Action, chosen: string | undefined): void {
    switch (action) {
      case "stop":
        return actions.stop();
      case "toggle_pause":
        return source.picture().isPaused ? actions.resume() : actions.pause();
      case "replay":
        if (chosen === undefined) {
          return say(ui.chosen ? `${ui.chosen} is not in the list` : "no message is chosen");
        }
        say(`${chosen} is replayed`);
        void actions.replay(chosen).then(say);
    }
  }

  function say(text: string): void {
    notice = { text, until: clock.monotonic() + noticeMs };
    changed();
  }

  function changed(): void {
    if (!isSoon && !isClosed) drawIn(soonMs, true);
  }

  return {
    changed,
    say,
    close() {
      isClosed = true;
      cancel();
      return terminal.close();
    },
  };
}
