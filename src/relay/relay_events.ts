import type { About } from "../protocol/about.ts";

/** Everything that happens at a relay, one event per fact. */
export type RelayEvent =
  | About & {
    readonly type: "relay.ingested";
    readonly channel: string;
    readonly bytes: number;
    /** From the request's beginning until it was stored. */
    readonly durationMs: number;
    /** Of that, the store's part. */
    readonly storeMs: number;
    /** With a recorded trace. */
    readonly spanId?: string;
    readonly parentSpanId?: string;
  }
  | {
    readonly type: "relay.refused";
    readonly webhookId: string;
    readonly status: number;
    /** One of few: for counting. */
    readonly reason: string;
    readonly detail: string;
  }
  | {
    readonly type: "relay.connected";
    readonly channel: string;
    readonly connectionId: string;
    readonly protocol: string;
  }
  | { readonly type: "relay.disconnected"; readonly channel: string; readonly connectionId: string }
  | About & {
    readonly type: "relay.handed_out";
    readonly channel: string;
    readonly connectionId: string;
    readonly delivery: number;
  }
  | {
    readonly type: "relay.acked";
    readonly channel: string;
    readonly messageId: string;
    /** Undefined for one that had been given back before its ack came. */
    readonly webhookId?: string;
    readonly traceId?: string;
  }
  | About & {
    readonly type: "relay.nacked";
    readonly channel: string;
  }
  | About & {
    readonly type: "relay.dead_lettered";
    readonly channel: string;
    readonly reason: string;
  }
  /** Nobody settled so many in their time: they are dead letters now, as far as there is room. */
  | { readonly type: "relay.expired"; readonly channel: string; readonly messages: number }
  /** There were more dead letters than are kept: the oldest are gone. */
  | {
    readonly type: "relay.dead_letters_dropped";
    readonly channel: string;
    readonly count: number;
  }
  /** Something could not be read or written, and is tried again; or is nothing that a relay wrote, and is passed over. */
  | { readonly type: "relay.store_failed"; readonly channel: string; readonly message: string }
  /** A fault of the relay: it answered 500. `stack` says where, for a report of it. */
  | {
    readonly type: "relay.request_failed";
    readonly route: string;
    readonly message: string;
    readonly stack: string;
  }
  /** It feeds the channel `by`: this one, made by the admin API, gets nothing of it. */
  | {
    readonly type: "relay.webhook_id_taken";
    readonly channel: string;
    readonly webhookId: string;
    readonly by: string;
  }
  /** The webhooks file names it no more: nobody posts to it or reads it, and what it holds expires. */
  | { readonly type: "relay.channel_left"; readonly channel: string; readonly messages: number }
  /** The log was read too slowly: so many lines of it are missing, since the start. */
  | { readonly type: "relay.log_lines_lost"; readonly lines: number }
  /** The collector did not take so many spans; they are dropped. */
  | { readonly type: "relay.trace_export_failed"; readonly spans: number; readonly message: string }
  /** systemd could not be told how the relay is; it hears it with what it is told next. Told once. */
  | { readonly type: "relay.service_manager_failed"; readonly message: string }
  | { readonly type: "relay.tls_renewed" }
  /** The certificate on disk is not that which is served, and cannot be. */
  | { readonly type: "relay.tls_not_renewed"; readonly message: string }
  | { readonly type: "relay.committed"; readonly durationMs: number; readonly writes: number }
  /** The connector still works on it: its ack timeout began anew. */
  | About & {
    readonly type: "relay.lease_extended";
    readonly channel: string;
  }
  | About & {
    readonly type: "relay.lease_expired";
    readonly channel: string;
  }
  | {
    readonly type: "relay.frame_ignored";
    readonly channel: string;
    readonly connectionId: string;
    readonly problem: string;
  };

export type ObserveRelay = (event: RelayEvent) => void;
