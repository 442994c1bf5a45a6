import type { RecentMessage, Standing } from "../../observe/picture.ts";
import type { Look } from "./paint.ts";

const looks: Readonly<Record<Standing, Look>> = {
  delivered: "good",
  in_hand: "busy",
  retrying: "busy",
  deferred: "busy",
  rejected: "bad",
  exhausted: "bad",
  abandoned: "bad",
};

/** "200", "503 retrying", "404 rejected", "422 dead letter": the last answer, and where the message stands. */
export function outcomeOf(
  { standing, attempts, isDeadLetter }: RecentMessage,
): { readonly text: string; readonly look: Look } {
  const status = attempts.at(-1)?.status;
  return { text: [status, saidOf()].filter((part) => part).join(" "), look: looks[standing] };

  function saidOf(): string | undefined {
    if (isDeadLetter) return "dead letter";
    if (standing === "in_hand") return "in flight";
    return standing === "delivered" && status !== undefined ? undefined : standing;
  }
}
