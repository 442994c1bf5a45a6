import { headers, type MsgHdrs } from "@nats-io/transport-node";
import type { FailedDelivery, NewMessage } from "../store.ts";

/** A message as it lies in a stream: its body is the payload, all else is JSON in one header. */
const messageHeader = "Hookferry-Message";
const letterHeader = "Hookferry-Dead-Letter";

export type Head = Omit<NewMessage, "body"> & { readonly expiresAt: number };

/** Why a message was put away, beside the message. */
export interface LetterHead {
  readonly at: number;
  readonly deliveries: number;
  readonly sequence: number;
  readonly history: readonly FailedDelivery[];
}

export function headersOf(message: NewMessage, expiresAt: number, letter?: LetterHead): MsgHdrs {
  const { body: _, ...head } = message;
  const all = headers();
  all.set(messageHeader, JSON.stringify({ ...head, expiresAt }));
  if (letter) all.set(letterHeader, JSON.stringify(letter));
  return all;
}

/** What a message takes on the server, bytes, but for a few. */
export function sizeOf(message: NewMessage): number {
  const { body, ...head } = message;
  return body.byteLength + Buffer.byteLength(JSON.stringify(head));
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
