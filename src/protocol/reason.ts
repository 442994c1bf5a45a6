/** Why something did not succeed, in words for programs and for people. docs/EVENTS.md lists the codes. */

/** Why an attempt or a delivery did not succeed. `message` is for people, `code` for programs. */
export interface Reason {
  readonly code: ReasonCode;
  readonly message: string;
  readonly status?: number;
}

/** What a reason is, for programs. */
export type ReasonCode =
  /** The target answered with a status that is no success: `status` has it. */
  | "status"
  /** The target answered with a redirect, which is not followed. */
  | "redirect"
  /** No answer within `timeout_seconds`, or no connection in time. */
  | "timeout"
  /** Nobody listens there, or it may not be connected to. */
  | "refused"
  /** The target closed the connection before it had answered. */
  | "reset"
  /** The target's host name leads nowhere. */
  | "dns"
  /** TLS with the target failed: its certificate, ours, or the version. */
  | "tls"
  /** Anything else of the network, a proxy on the way included. */
  | "network"
  /** No request can be made of the webhook, or of what the relay sent. */
  | "bad_request"
  /** No target is configured for its webhook id. */
  | "no_target"
  /** The target fails, and nothing is sent to it until its breaker lets a probe through. */
  | "breaker_open"
  /** The target is slow, and enough webhooks wait for a place at it. */
  | "target_busy"
  /** A reload has put another target in the place of the one it waited for. */
  | "target_changed"
  /** One of the same ordering key before it has not come to its end. */
  | "lane_blocked"
  /** The connector crashed `poison_after` times with it in hand. */
  | "poison"
  /** The connector is stopping. */
  | "shutdown";

/** Why there is no stream, for programs. */
export type StreamFailureClass =
  /** The relay does not accept the token or the channel. */
  | "rejected"
  /** Something on the way does not let this kind of stream through; another kind may do. */
  | "protocol"
  /** The relay, or what is in front of it, asks to try again later. */
  | "unavailable"
  /** Nobody answered, or the connection broke off. */
  | "network"
  /** Nothing came for longer than a relay is silent: given up here. */
  | "silent"
  /** The machine slept: what was open is taken for dead. */
  | "clock_jump";
