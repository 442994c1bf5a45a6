/** @jsxImportSource hono/jsx */
import type { Standing } from "../observe/picture.ts";
import { Badge, type Mood } from "../page/parts.tsx";

const moods: Record<Standing, Mood> = {
  in_hand: "quiet",
  retrying: "busy",
  delivered: "good",
  deferred: "quiet",
  rejected: "bad",
  exhausted: "bad",
  abandoned: "quiet",
};

/** Where a message stands. */
export function StandingBadge({ standing }: { readonly standing: Standing }) {
  return <Badge mood={moods[standing]}>{standing.replace("_", " ")}</Badge>;
}
