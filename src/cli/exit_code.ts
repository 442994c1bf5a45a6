/** What the process ends with; those from 64 to 78 are of sysexits.h, 130 is a shell's for Ctrl-C. */
export const exitCode = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  relayUnreachable: 69,
  unsettled: 75,
  tokenRejected: 77,
  badConfig: 78,
  givenUp: 130,
} as const;
