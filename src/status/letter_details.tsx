/** @jsxImportSource hono/jsx */
import type { DeadLetter } from "../flow.ts";
import { count, size } from "../observe/wording.ts";
import { Details, Panel, Time, Zone } from "../page/parts.tsx";

/** A dead letter, without its bytes and without the query, which may hold secrets. */
export function LetterDetails(
  { letter: { envelope, target, reason, attempts, at } }: {
    readonly letter: DeadLetter & { readonly at: number };
  },
) {
  const { method, webhookId, path, body } = envelope;
  return (
    <Panel title="Dead letter">
      <Details
        facts={[
          ["Webhook", `${method} ${webhookId}${path.replace(/\?.*/s, "")}`.trim()],
          [
            "Put away",
            <>
              <Time at={at} />
              <Zone />
            </>,
          ],
          ["Target", target === "" ? "none" : target],
          ["Reason", reason.message],
          ["Attempts", count(attempts)],
          ["Size", size(body.byteLength)],
        ]}
      />
    </Panel>
  );
}
