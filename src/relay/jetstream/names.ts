/** How a relay's things are called on a NATS server. Everything begins with `hookferry`. */

/** A text as one token of a subject, or as a name: letters, digits, `-` and `_` stay, others become `=XX`. */
export function token(text: string): string {
  return encodeURIComponent(text)
    .replace(/[.!~*'()]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%", "=");
}

/** What `token` was made of. */
export function textOf(token: string): string {
  return decodeURIComponent(token.replaceAll("=", "%"));
}

/** The stream with the messages of a channel, and the one with its dead letters. */
export const streamOf = (channel: string) => `hookferry-messages-${token(channel)}`;
export const deadStreamOf = (channel: string) => `hookferry-dead-${token(channel)}`;

/** `hookferry.messages.<channel>.<lane>.<webhook id>.<message id>` */
export const subjectsOf = (channel: string) => `hookferry.messages.${token(channel)}`;
/** `hookferry.dead.<channel>.<message id>` */
export const deadSubjectsOf = (channel: string) => `hookferry.dead.${token(channel)}`;

/** Says to the other relays that a lane, the payload, has something to give out. */
export const wakeSubjectOf = (channel: string) => `hookferry.wake.${token(channel)}`;
/** Asks the other relays to settle a message, if one of them has leased it. */
export const settleSubjectOf = (channel: string) => `hookferry.settle.${token(channel)}`;
/** Asks the other relays to extend what they have leased of some messages. */
export const extendSubjectOf = (channel: string) => `hookferry.extend.${token(channel)}`;
/** Asks the other relays what they have in hand that has expired. */
export const heldSubjectOf = (channel: string) => `hookferry.held.${token(channel)}`;

/** The bucket with channels and tokens, and the one with the failed deliveries of messages not settled. */
export const directoryBucket = "hookferry-channels";
export const historyBucket = "hookferry-history";
