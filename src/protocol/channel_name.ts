import { maxChannelNameLength } from "./limits.ts";

const pattern = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** What is accepted, in words for an error message. */
export const channelNameRule =
  `letters, digits, ".", "_" and "-", beginning with a letter or digit, without "..", at most ${maxChannelNameLength} characters`;

/** True for a name that can be a channel. The same rule at both ends of the wire. */
export function isChannelName(name: string): boolean {
  return name.length <= maxChannelNameLength && pattern.test(name) && !name.includes("..");
}
