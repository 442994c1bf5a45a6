import type { LogLevel } from "../config/settings.ts";
import type { RelayEvent } from "./relay_events.ts";

/** ERROR = a person must act; WARNING = it is being dealt with; DEBUG = one line per message. */
export function relayEventLevel(event: RelayEvent): LogLevel {
  switch (event.type) {
    case "relay.dead_letters_dropped":
    case "relay.store_failed":
    case "relay.request_failed":
    case "relay.webhook_id_taken":
    case "relay.tls_not_renewed":
      return "error";
    case "relay.trace_export_failed":
    case "relay.log_lines_lost":
    case "relay.service_manager_failed":
    case "relay.channel_left":
    case "relay.refused":
    case "relay.dead_lettered":
    case "relay.expired":
    case "relay.lease_expired":
    case "relay.frame_ignored":
      return "warning";
    case "relay.connected":
    case "relay.disconnected":
    case "relay.tls_renewed":
      return "info";
    case "relay.ingested":
    case "relay.handed_out":
    case "relay.lease_extended":
    case "relay.acked":
    case "relay.nacked":
    case "relay.committed":
      return "debug";
  }
}
