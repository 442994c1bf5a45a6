import { type Clock, systemClock } from "../async/clock.ts";
import { isNpmPackage } from "./version.ts";

/** More than it takes to pass a signal on, less than a person who means the next one takes. */
const echoMs = 500;

/**
 * A signal to the npm package comes up to three times: to all of its processes at once, passed on by the one that
 * starts the program, and by npx to that. They are one there.
 */
export function oneSignal(listener: () => void): () => void {
  return isNpmPackage ? withoutEchoes(listener, systemClock) : listener;
}

/** Calls `listener`, but not for what comes within half a second of the last time it did. */
export function withoutEchoes(listener: () => void, clock: Clock): () => void {
  let heardAt = -Infinity;
  return () => {
    const now = clock.monotonic();
    if (now - heardAt < echoMs) return;
    heardAt = now;
    listener();
  };
}
