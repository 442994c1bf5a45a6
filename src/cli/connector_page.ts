import type { Settings } from "../config/settings.ts";
import type { PageSource } from "../status/page_source.ts";
import { titleOf } from "./live_source.ts";
import { controlOf } from "./connector_control.ts";
import type { Watch, Watched } from "./watch_connector.ts";

/** What the page of a connector shows. */
export function pageSource(
  settings: () => Settings,
  watched: Watched,
  watch: Watch,
): PageSource {
  return {
    get subtitle() {
      return titleOf(settings());
    },
    status: watch.status,
    targets: () => watched.connector.targets,
    get recent() {
      return watch.recent;
    },
    exchanges: watch.exchanges,
    control: controlOf(watched),
  };
}
