import type { Envelope } from "../flow.ts";
import { utf8Text } from "../protocol/body_text.ts";
import type { BatchMessage } from "./batch.ts";

/** RFC 3339 section 5.6. */
const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;

/** A message as an event in the JSON format of CloudEvents 1.0.2. */
export function cloudEvent({ envelope, attempt }: BatchMessage): string {
  const contentType = headerOf(envelope, "content-type");
  const contentEncoding = headerOf(envelope, "content-encoding");
  const attributes = JSON.stringify({
    specversion: "1.0",
    id: envelope.id,
    source: `/webhook/${encodeURIComponent(envelope.webhookId.toWellFormed())}`,
    type: "hookferry.webhook",
    ...(timestamp.test(envelope.receivedAt) && { time: envelope.receivedAt }),
    ...(contentType && { datacontenttype: contentType }),
    webhookid: envelope.webhookId,
    // The sequence extension wants an order that holds for strings: all of one length.
    sequence: String(envelope.sequence).padStart(16, "0"),
    attempt,
    ...(contentEncoding && { contentencoding: contentEncoding }),
  });
  return `${attributes.slice(0, -1)}${dataMember(envelope.body, contentType)}}`;
}

/**
 * `data` where a receiver gets the same bytes out of it, else `data_base64` (section 3.1). JSON stands in it as
 * it came, number for number; without a content type `data` would be taken for JSON.
 */
function dataMember(body: Uint8Array, contentType: string | undefined): string {
  if (body.byteLength === 0) return "";
  const text = utf8Text(body);
  if (text !== undefined && contentType) {
    const { isJson, isUtf8 } = kindOf(contentType);
    if (isJson && isJsonText(text)) return `,"data":${text}`;
    if (!isJson && isUtf8) return `,"data":${JSON.stringify(text)}`;
  }
  return `,"data_base64":"${body.toBase64()}"`;
}

function kindOf(contentType: string): { readonly isJson: boolean; readonly isUtf8: boolean } {
  const charset = /;\s*charset="?([^";\s]+)/i.exec(contentType)?.[1]?.toLowerCase();
  return {
    isJson: /^[^/;]+\/([^;]*\+)?json\s*(;|$)/i.test(contentType),
    isUtf8: charset === undefined || charset === "utf-8" || charset === "utf8",
  };
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function headerOf(envelope: Envelope, name: string): string | undefined {
  return envelope.headers.find(([other]) => other.toLowerCase() === name)?.[1];
}
