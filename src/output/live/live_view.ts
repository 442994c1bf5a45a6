/** The live view of a terminal: draws what is going on, and does what its keys say. */
import type { Clock } from "../../async/clock.ts";
import { detailLines } from "./details.ts";
import { listLines } from "./list.ts";
import type { LiveActions, LiveSource } from "./live_picture.ts";
import type { Paint } from "./paint.ts";
import type { Terminal } from "./terminal.ts";
import { type Action, chosenIndex, filtered, firstUi, type Key, press } from "./ui.ts";

export interface LiveView {
  /** Something happened: it is drawn soon. */
  changed(): void;
  /** For whoever looks: one line, until another one comes or some time has passed. */
  say(text: string): void;
  /** Gives the terminal back as it was. */
  close(): void;
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
  let notice = { text: "", until: 0 };
  let cancel = () => {};
  let isSoon = false;
  let isClosed = false;
  terminal.open(onKey, draw, actions.stop);
  draw();

  function draw(): void {
    if (isClosed) return;
    const picture = source.picture();
    const said = clock.now() < notice.until ? notice.text : "";
    const shown = filtered(ui, picture.messages);
    const message = shown[chosenIndex(ui, shown)];
    terminal.show(
      ui.details
        ? detailLines(
          message,
          message && source.exchanges(message.messageId),
          ui.details.from,
          said,
          terminal.size,
          paint,
        )
        : listLines(picture, ui, said, terminal.size, paint),
    );
    drawIn(laterMs, false);
  }

  function drawIn(ms: number, soon: boolean): void {
    cancel();
    isSoon = soon;
    cancel = clock.after(ms, draw);
  }

  function onKey(key: Key): void {
    const shown = filtered(ui, source.picture().messages);
    // Details stay with their message when newer ones come.
    const chosen = shown[chosenIndex(ui, shown)]?.messageId;
    const pressed = press(ui, key, shown);
    ui = pressed.ui.details && chosen !== undefined ? { ...pressed.ui, chosen } : pressed.ui;
    if (pressed.action) act(pressed.action, chosen);
    draw();
  }

  function act(action: Action, chosen: string | undefined): void {
    switch (action) {
      case "stop":
        return actions.stop();
      case "toggle_pause":
        return source.picture().isPaused ? actions.resume() : actions.pause();
      case "replay":
        if (chosen === undefined) return say("no message is chosen");
        say(`${chosen} is replayed`);
        void actions.replay(chosen).then(say);
    }
  }

  function say(text: string): void {
    notice = { text, until: clock.now() + noticeMs };
    changed();
  }

  function changed(): void {
    if (!isSoon && !isClosed) drawIn(soonMs, true);
  }

  return {
    changed,
    say,
    close() {
      if (isClosed) return;
      isClosed = true;
      cancel();
      terminal.close();
    },
  };
}
