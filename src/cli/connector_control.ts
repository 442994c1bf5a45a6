import type { Control } from "../status/control.ts";
import type { Watched } from "./watch_connector.ts";

/** What can be done to the connector that runs at the moment. */
export function controlOf(watched: Watched): Control {
  const letters = () => watched.journal.open.deadLetters;
  return {
    pause: (forMs) => watched.connector.pause.pause(forMs),
    resume: () => watched.connector.pause.resume(),
    letters: {
      list: (limit) => letters().list(limit),
      of: (messageId) => letters().of(messageId),
      ids: () => letters().ids(),
      drop: (messageId) => watched.connector.dropLetters(messageId),
    },
    replay: (messageId) => watched.connector.replay(messageId),
    isReplayable: (messageId) => watched.connector.isReplayable(messageId),
  };
}
