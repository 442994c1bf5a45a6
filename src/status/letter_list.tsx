/** @jsxImportSource hono/jsx */
import { JournalUnavailable } from "../flow.ts";
import { count } from "../observe/wording.ts";
import { Action, Head, Panel, TableBox, Time, Zone } from "../page/parts.tsx";
import { messagePath } from "./message_list.tsx";
import type { PageSource } from "./page_source.ts";
import { readJournal } from "./read_journal.ts";
import { readStatus } from "./status_text.ts";

/** Dead letters shown on the overview. */
const maxLetters = 5;

/** The newest dead letters, each with a button to replay it; nothing where there are none. */
export function LetterList({ source }: { readonly source: PageSource }) {
  const letters = readJournal(() => source.control.letters.list(maxLetters));
  if (letters instanceof JournalUnavailable) {
    return (
      <Panel title="Dead letters">
        <p class="problem">They cannot be read: {letters.message}</p>
      </Panel>
    );
  }
  if (letters.length === 0) return null;
  const total = readStatus(source.status()).journal.dead_letters.messages;
  const more = total > letters.length ? `the newest ${letters.length} of ${count(total)}` : "";
  return (
    <Panel title="Dead letters" aside={<span class="quiet">{more}</span>}>
      <TableBox label="Dead letters">
        <table>
          <caption class="sr">Dead letters, the newest first</caption>
          <Head
            columns={[
              { name: "Put away", note: <Zone /> },
              { name: "Message" },
              { name: "Target", kind: "wide" },
              { name: "Reason", kind: "wide" },
              { name: "Attempts", kind: "number wide" },
              { name: "Action" },
            ]}
          />
          <tbody>
            {letters.map(({ at, messageId, webhookId, target, reason, attempts }) => (
              <tr>
                <td>
                  <Time at={at} />
                </td>
                <th scope="row" class="id">
                  <a href={messagePath(messageId)}>{messageId}</a>
                  <span class="under phone">{`${webhookId} → ${target}`}</span>
                </th>
                <td class="wide">{target}</td>
                <td class="wide reason">{reason.message}</td>
                <td class="number wide">{count(attempts)}</td>
                <td>
                  <Action
                    path={`/-/form/replay/${encodeURIComponent(messageId)}`}
                    name="Replay"
                    about={messageId}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableBox>
    </Panel>
  );
}
