/** @jsxImportSource hono/jsx */
import { isOver, type KeptExchanges, type RecentMessage } from "../observe/picture.ts";
import { Stretch } from "../page/charts.tsx";
import {
  Action,
  Badge,
  Details,
  Head,
  Panel,
  signInPath,
  TableBox,
  Time,
  Zone,
} from "../page/parts.tsx";
import type { DeadLetter } from "../flow.ts";
import { duration, plural, size } from "../observe/wording.ts";
import { Body, Headers, Request } from "./http_text.tsx";
import { LetterDetails } from "./letter_details.tsx";
import { messagePath } from "./message_list.tsx";
import { StandingBadge } from "./standing_badge.tsx";

/** What the journal has of a message. */
export interface Kept {
  /** One of each target. */
  readonly letters: readonly (DeadLetter & { readonly at: number })[];
  readonly isReplayable: boolean;
  /** Why it cannot be read; what it has is not known then. */
  readonly problem?: string;
}

/** What is known of one message. */
export interface MessageView extends Kept {
  readonly messageId: string;
  /** Undefined when it is not among the last ones any more. */
  readonly message: RecentMessage | undefined;
  readonly mayAct: boolean;
  /** "off": not kept; "out": kept, for those who have signed in; undefined: not of this message. */
  readonly exchanges: KeptExchanges | "off" | "out" | undefined;
}

export function MessagePage(
  { messageId, message, letters, isReplayable, problem, mayAct, exchanges }: MessageView,
) {
  const signIn = signInPath(messagePath(messageId));
  return (
    <>
      <p class="crumbs">
        <a href="/">Overview</a>
      </p>
      <div class="hero">
        <div>
          <h1 class="message-id">{messageId}</h1>
          {message && (
            <p class="lead">
              <StandingBadge standing={message.standing} />
              {message.reason !== undefined && <span>{message.reason}</span>}
            </p>
          )}
        </div>
        {isReplayable && mayAct && (
          <Action
            path={`/-/form/replay/${encodeURIComponent(messageId)}`}
            name="Replay"
            kind="primary"
          />
        )}
      </div>
      {problem !== undefined && (
        <p class="problem">Whether it is kept as a dead letter cannot be read: {problem}</p>
      )}
      {letters.length > 0 && !mayAct && (
        <p class="quiet">
          It is kept as a dead letter. <a href={signIn}>Sign in</a> to replay it.
        </p>
      )}
      {message ? <Known message={message} /> : <p>It is not among the last messages any more.</p>}
      {!message && mayAct && letters.map((letter) => <LetterDetails letter={letter} />)}
      {message && message.attempts.length > 0 && <TimeLine message={message} />}
      <Inside exchanges={exchanges} signIn={signIn} />
    </>
  );
}

function Known({ message }: { readonly message: RecentMessage }) {
  const { method, webhookId, path, at, lagMs, bytes, copies, durationMs, traceId, settled } =
    message;
  // How long a copy of what had ended took nobody knows any more.
  const inHand = isOver(message.standing) ? undefined : "in hand";
  return (
    <Details
      facts={[
        ["Webhook", `${method} ${webhookId}${path}`.trim()],
        [
          "Came",
          <>
            <Time at={at} />
            <Zone />
            {lagMs !== undefined && `, ${duration(lagMs)} after the relay had it`}
          </>,
        ],
        ["Size", bytes === undefined ? undefined : size(bytes)],
        ["Took", durationMs === undefined ? inHand : duration(durationMs)],
        ["Came again", copies > 1 ? plural(copies - 1, "time") : undefined],
        ["Relay told", settled ?? "nothing yet"],
        ["Trace", traceId === undefined ? undefined : <code>{traceId}</code>],
      ]}
    />
  );
}

const moods = { delivered: "good", transient: "busy", permanent: "bad" } as const;

function TimeLine({ message }: { readonly message: RecentMessage }) {
  const { attempts, attemptCount } = message;
  const begin = Math.min(message.at, ...attempts.map(({ startedAt }) => startedAt));
  const end = Math.max(...attempts.map(({ startedAt, durationMs }) => startedAt + durationMs));
  const left = attemptCount - attempts.length;
  return (
    <Panel
      title="Attempts"
      aside={<span class="quiet">{duration(end - begin)} from first to last</span>}
    >
      <TableBox label="Attempts">
        <table class="time-line">
          <caption class="sr">Attempts in the order they were made</caption>
          <Head
            columns={[
              { name: "Attempt", kind: "number" },
              { name: "Target", kind: "wide" },
              { name: "Began" },
              { name: "When", kind: "wide" },
              { name: "Result" },
              { name: "Took", kind: "number" },
            ]}
          />
          <tbody>
            {attempts.map(({ attempt, target, startedAt, durationMs, result, status, reason }) => (
              <tr>
                <th scope="row" class="number">{attempt}</th>
                <td class="wide">{target}</td>
                <td class="nowrap">+ {duration(startedAt - begin)}</td>
                <td class="wide stretch-cell">
                  <Stretch
                    from={startedAt - begin}
                    to={startedAt - begin + durationMs}
                    whole={end - begin}
                    kind={moods[result]}
                  />
                </td>
                <td>
                  <Badge mood={moods[result]}>
                    {status ?? (result === "delivered" ? "ok" : "failed")}
                  </Badge>
                  {reason !== undefined && <span class="under reason">{reason}</span>}
                </td>
                <td class="number">{duration(durationMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableBox>
      {left > 0 && <p class="quiet">{plural(left, "earlier attempt")} not shown</p>}
    </Panel>
  );
}

function Inside(
  { exchanges, signIn }: Pick<MessageView, "exchanges"> & { readonly signIn: string },
) {
  if (exchanges === "off") {
    return (
      <p class="quiet hint">
        Requests and responses are not kept. The setting <code>inspect</code>{" "}
        keeps those of the last messages.
      </p>
    );
  }
  if (exchanges === "out") {
    return (
      <p class="quiet hint">
        Requests and responses are kept. <a href={signIn}>Sign in</a> to see them.
      </p>
    );
  }
  if (!exchanges) return null;
  return (
    <>
      <Panel title="As received">
        <Request request={exchanges.received} />
      </Panel>
      {exchanges.sent.map(({ target, attempt, request, response }, i) => (
        <details class="panel exchange" open={i === exchanges.sent.length - 1}>
          <summary>
            <h2>Attempt {attempt} at {target}</h2>
            <span class="quiet">
              {response ? `answered ${response.status}` : "no answer"}
            </span>
          </summary>
          <div class="columns">
            <div>
              <h3>As sent</h3>
              <Request request={request} />
            </div>
            <div>
              <h3>Response</h3>
              {response
                ? (
                  <>
                    <p class="line">{response.status}</p>
                    <Headers headers={response.headers} />
                    <Body body={response.body} />
                  </>
                )
                : <p class="quiet">There was none.</p>}
            </div>
          </div>
        </details>
      ))}
    </>
  );
}
