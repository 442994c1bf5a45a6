import { headers, type MsgHdrs } from "@nats-io/transport-node";
import type { FailedDelivery, NewMessage, StoredMessage } from "../store.ts";

/** A message as it lies in a stream: its body is the payload, all else is JSON in one header. */
const messageHeader = "Hookferry-Message";
const letterHeader = "Hookferry-Dead-Letter";

export type Head = Omit<NewMessage, "body"> & { readonly expiresAt: number };

/** Why a message was put away, beside the message. */
export interface LetterHead {
  readonly at: number;
  readonly deliveries: number;
  readonly sequence: number;
  /** Where it is not that of the last delivery. */
  readonly reason?: string;
  readonly history: readonly FailedDelivery[];
}

/** What the server takes of headers, bytes. */
const maxHeaderBytes = 65_535;
/** What a dead letter has more of them, kept free from the start: with its last delivery it has room. */
const letterBytes = 16_384;
/** What the headers take beside their JSON: their names and what parts them. */
const aroundBytes = 128;

/** Whether a server with that `max_payload` takes a message, and takes it as a dead letter. */
export function fits({ body, ...head }: NewMessage, maxPayload: number): boolean {
  return bytesOf(head) + letterBytes <= headerRoom(body, maxPayload);
}

export function headersOf({ body: _, ...head }: NewMessage, expiresAt: number): MsgHdrs {
  const all = headers();
  all.set(messageHeader, JSON.stringify({ ...head, expiresAt }));
  return all;
}

/** Those of a dead letter: the oldest of its history make room where the server does not take it all. */
export function letterHeadersOf(
  message: NewMessage,
  expiresAt: number,
  { history, ...letter }: LetterHead,
  maxPayload: number,
): MsgHdrs {
  const { body, ...head } = message;
  const all = headersOf(message, expiresAt);
  let room = headerRoom(body, maxPayload) - bytesOf({ ...head, expiresAt }) -
    bytesOf({ ...letter, history: [] }) - aroundBytes;
  let oldest = history.length;
  for (const failed of history.toReversed()) {
    room -= bytesOf(failed) + 1; // with its comma
    if (room < 0) break;
    oldest--;
  }
  all.set(letterHeader, JSON.stringify({ ...letter, history: history.slice(oldest) }));
  return all;
}

function headerRoom(body: Uint8Array, maxPayload: number): number {
  return Math.min(maxHeaderBytes, maxPayload - body.byteLength);
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** What lies in a stream as a message; its body is a copy. */
export function messageOf(
  { expiresAt, ...content }: Head,
  data: Uint8Array,
  sequence: number,
  deliveries: number,
): StoredMessage {
  const body = Uint8Array.from(data);
  return {
    expiresAt,
    deliveries,
    envelope: { ...content, body, sequence, deliveryCount: deliveries },
  };
}

/** Undefined when somebody else published it. */
export function headOf(all: MsgHdrs | undefined): Head | undefined {
  return read(all, messageHeader) as Head | undefined;
}

export function letterOf(all: MsgHdrs | undefined): LetterHead | undefined {
  return read(all, letterHeader) as LetterHead | undefined;
}

function read(all: MsgHdrs | undefined, name: string): unknown {
  try {
    return JSON.parse(all?.get(name) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}
