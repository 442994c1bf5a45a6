import type { Settings, TargetSettings } from "./settings.ts";

/** The default targets, then those of each webhook id. */
export function allTargets(
  { defaultRoute, routes }: Pick<Settings, "defaultRoute" | "routes">,
): TargetSettings[] {
  return [defaultRoute, ...routes.values()].flatMap((route) => route?.targets ?? []);
}
