import { z } from "zod";
import type { Attempt } from "../flow.ts";
import { parseObject } from "../protocol/json_object.ts";
import type { HttpBody } from "../runtime/http_body.ts";
import type { HttpResponse } from "../runtime/http_client.ts";
import { verdictOf } from "./verdict.ts";

/** Of an answer this much is read: 1 KiB for each message of the largest batch. */
const maxAnswerBytes = 1_048_576;

export interface BatchAnswer extends Pick<HttpResponse, "status" | "headers"> {
  readonly body: AnswerBody;
}

export type AnswerBody =
  | { readonly kind: "whole"; readonly text: string }
  /** It broke off, or did not end in time. */
  | { readonly kind: "broken" }
  | { readonly kind: "too_long"; readonly beginning: string };

/** Never rejects. The connection of an answer that is too long is cut. */
export async function readAnswer(body: HttpBody): Promise<AnswerBody> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.byteLength;
      text += decoder.decode(chunk, { stream: true });
      if (bytes > maxAnswerBytes) return { kind: "too_long", beginning: text }; // which gives up the rest
    }
  } catch {
    return { kind: "broken" };
  }
  return { kind: "whole", text: text + decoder.decode() };
}

/**
 * What came of each message, by id. The status holds for all of them, unless a 2xx has a body that tells of
 * each; one that is not mentioned there is to come again. So are all of them when such a body could not be
 * read: a 207 (RFC 4918 section 13) without it says nothing, and neither does JSON that broke off.
 */
export function outcomesOf(answer: BatchAnswer, nowMs: number): (messageId: string) => Attempt {
  const { status, headers, body } = answer;
  const verdict = verdictOf(status, headers, nowMs);
  if (verdict.kind !== "delivered") return () => verdict;
  const results = body.kind === "whole" ? resultsIn(body.text) : undefined;
  if (results) {
    return (id) => {
      const own = results.get(id);
      return own === undefined
        ? again(status, "the target's results do not say what became of this message")
        : verdictOf(own, headers, nowMs);
    };
  }
  if (status === 207) return () => again(status, "the target answered 207 without results");
  if (body.kind === "too_long" && tellsOfMessages(body.beginning)) {
    return () => again(status, "the target's results are longer than 1 MiB");
  }
  if (body.kind === "broken" && /[/+]json\b/i.test(String(headers["content-type"] ?? ""))) {
    return () => again(status, `the target's answer ${status} broke off`);
  }
  return () => verdict;
}

function again(status: number, message: string): Attempt {
  return { kind: "transient", reason: { code: "status", status, message } };
}

const bodySchema = z.object({ results: z.array(z.unknown()) });
const resultSchema = z.object({ message_id: z.string(), status: z.unknown() });
const statusSchema = z.number().int().min(100).max(599);

/** Status by message id, undefined when it is none; undefined when the text holds no result at all. */
function resultsIn(text: string): ReadonlyMap<string, number | undefined> | undefined {
  const value = parseObject(text);
  const body = bodySchema.safeParse(value);
  if (!body.success) return undefined;
  const statuses = new Map<string, number | undefined>();
  for (const one of body.data.results) {
    const result = resultSchema.safeParse(one);
    if (!result.success) continue;
    const { message_id, status } = result.data;
    statuses.set(message_id, statusSchema.safeParse(status).data);
  }
  return statuses.size === 0 ? undefined : statuses;
}

/** Of an answer that was not read to its end: whether it may be results. */
function tellsOfMessages(beginning: string): boolean {
  return /^\s*\{/.test(beginning) && /"results"\s*:\s*\[/.test(beginning) &&
    beginning.includes('"message_id"');
}
