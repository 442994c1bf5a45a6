import { requestTargets } from "./requests.ts";
import { responseTargets } from "./responses.ts";
import { settingsTargets } from "./settings.ts";
import type { FuzzTarget } from "./target.ts";
import { wireTargets } from "./wire.ts";

/** Every parser that reads what somebody else wrote. */
export const fuzzTargets: readonly FuzzTarget[] = [
  ...wireTargets,
  ...requestTargets,
  ...responseTargets,
  ...settingsTargets,
];
