/** @jsxImportSource hono/jsx */
import type { RecentMessage } from "../observe/picture.ts";
import { Head, Panel, TableBox, Time, Zone } from "../page/parts.tsx";
import { count, duration } from "../observe/wording.ts";
import { StandingBadge } from "./standing_badge.tsx";

/** Characters of a request's line. */
const maxShown = 80;

/** The last messages, the newest first. */
export function MessageList({ messages }: { readonly messages: readonly RecentMessage[] }) {
  const version = Math.max(0, ...messages.map((message) => message.version));
  return (
    <Panel
      title="Messages"
      aside={<span class="quiet">the last 200</span>}
    >
      <TableBox label="Messages">
        <table>
          <caption class="sr">The last messages, the newest first</caption>
          <Head
            columns={[
              { name: "Time", note: <Zone /> },
              { name: "Message" },
              { name: "Webhook", kind: "wide" },
              { name: "Target", kind: "wide" },
              { name: "Outcome" },
              { name: "Attempts", kind: "number wide" },
              { name: "Took", kind: "number" },
            ]}
          />
          <tbody id="messages" data-version={version}>
            {messages.map((message) => <MessageRow message={message} />)}
            {messages.length === 0 && (
              <tr id="no-messages">
                <td colspan={7} class="empty">No message has come yet.</td>
              </tr>
            )}
          </tbody>
        </table>
      </TableBox>
    </Panel>
  );
}

export function MessageRow({ message }: { readonly message: RecentMessage }) {
  const { messageId, at, targets, standing, reason, attemptCount, durationMs } = message;
  const names = targets.map(({ name }) => name).filter((name) => name !== "").join(", ");
  const request = beginning(`${message.method} ${message.webhookId}${message.path}`.trim());
  return (
    <tr id={`m-${messageId}`}>
      <td>
        <Time at={at} />
      </td>
      <th scope="row" class="id">
        <a href={messagePath(messageId)}>{messageId}</a>
        <span class="under phone">{names === "" ? request : `${request} → ${names}`}</span>
      </th>
      <td class="wide request">{request}</td>
      <td class="wide">{names}</td>
      <td>
        <StandingBadge standing={standing} />
        {reason !== undefined && <span class="under reason">{reason}</span>}
      </td>
      <td class="number wide">{count(attemptCount)}</td>
      <td class="number">{durationMs === undefined ? "" : duration(durationMs)}</td>
    </tr>
  );
}

/** A path may be thousands of characters long: a row is to stay one. All of it is on the message's own page. */
function beginning(request: string): string {
  return request.length > maxShown ? `${request.slice(0, maxShown - 1)}…` : request;
}

/** The address of the message's own page. */
export function messagePath(messageId: string): string {
  return `/messages/${encodeURIComponent(messageId)}`;
}
