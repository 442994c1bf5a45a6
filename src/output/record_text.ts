import { visible } from "./visible.ts";
import type { OutputRecord } from "./record.ts";

/** A record as a line or two for people, without the end: what happened, to what, how. */
export function recordText(record: OutputRecord): string {
  const [what, [first = "", ...more]] = words(record);
  const whose = "connection" in record ? `${record.connection}: ` : "";
  return [whose + first, ...more]
    .map((line, at) => `${(at === 0 ? what : "").padEnd(10)} ${visible(line)}`)
    .join("\n");
}

function words(record: OutputRecord): [what: string, about: string[]] {
  switch (record.type) {
    case "status":
      return ["status", [record.url]];
    case "post_to":
      return ["post to", [record.url]];
    case "connection":
      return connection(record);
    case "message": {
      const { outcome, reason, status, target, duration_ms, message_id } = record;
      const to = target === null ? "" : ` -> ${target}`;
      const how = outcome === "delivered" ? `: ${status} in ${duration_ms} ms` : `: ${reason}`;
      return [outcome, [`${request(record)}${to}${how}, ${message_id}`]];
    }
    case "retry": {
      const { target, reason, retry_in_ms, message_id } = record;
      const again = `again in ${seconds(retry_in_ms)}`;
      return ["retry", [`${request(record)} -> ${target}: ${reason}; ${again}, ${message_id}`]];
    }
    case "settled":
      return [`${record.verdict}ed`, [record.message_id]];
    case "intake":
      return [record.state, ["the intake"]];
    case "request": {
      const { method, url, bytes, signature, body } = record;
      const verdict = signature === null ? "" : `, signature ${signature}`;
      return ["target", [`${method} ${url} (${bytes} bytes${verdict})`, body]];
    }
    case "sample":
      return ["sample", [`a signed ${record.event}: ${record.answer}`]];
  }
}

function connection(
  { state, transport, reason, retry_in_ms }: Extract<OutputRecord, { type: "connection" }>,
): [string, string[]] {
  switch (state) {
    case "connected":
      return ["connected", [`over ${transport}`]];
    case "disconnected":
      return ["closed", [`${transport}: ${reason}`]];
    case "waiting":
      return ["waiting", [`${reason}; next try in ${seconds(retry_in_ms ?? 0)}`]];
  }
}

/** "POST github/push": method, webhook id, and what followed it. */
function request(
  { method, webhook_id, path }: Pick<
    Extract<OutputRecord, { type: "message" }>,
    "method" | "webhook_id" | "path"
  >,
): string {
  return `${method ?? ""} ${webhook_id ?? ""}${path ?? ""}`.trim();
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
