/** WebSocket close codes of the protocol (RFC 6455 section 7.4 for those below 4000). */
export const closeCodes = {
  normal: 1000,
  goingAway: 1001,
  unsupportedData: 1003,
  serviceRestart: 1012,
  evicted: 4000,
  badToken: 4001,
  unknownChannel: 4002,
  tooManyConnections: 4003,
} as const;
