/** What the process ends with; those from 64 on are of sysexits.h. */
export const exitCode = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  relayUnreachable: 69,
  unsettled: 75,
  tokenRejected: 77,
  badConfig: 78,
} as const;
