import { z } from "zod";
import { checkBatchWindow } from "./batch_settings.ts";
import type { Report } from "./config_error.ts";
import type { Values } from "./merge.ts";
import type { RouteSettings, TargetSettings } from "./settings.ts";
import { isObject } from "../protocol/json_object.ts";
import { readTarget, targetSchema } from "./target_settings.ts";

const ack = z.enum(["all", "any", "primary"]);

/** Where the webhooks of an id go: one target, several, or several with a policy. */
export const routeSchema = z.union([
  targetSchema,
  z.array(targetSchema).min(1).describe("several targets; all must have the webhook"),
  z.strictObject({
    to: z.array(targetSchema).min(1).describe("the targets; the first is the primary one"),
    ack: ack.nullish().describe(
      "when the webhook counts as delivered: all have it (default), any has it, or the primary one has it",
    ),
  }),
]);

export interface Routes {
  /** For a webhook id that `routes` does not name. */
  readonly defaultRoute: RouteSettings | undefined;
  /** By webhook id. */
  readonly routes: ReadonlyMap<string, RouteSettings>;
}

/** Reads the target at a path; undefined when something is wrong with it, which is reported. */
type ReadTarget = (path: string, name: string, given: unknown) => TargetSettings | undefined;

/** `default_target` and `targets` of a file, and the options that stand for them. */
export function readRoutes(values: Values, report: Report): Routes {
  const file = values.file.content;
  const window = {
    maxMessages: values.get("max_queue_messages"),
    maxBytes: values.get("max_queue_bytes"),
  };
  const read: ReadTarget = (path, name, given) => {
    const target = readTarget({ path, name, given, values }, report);
    if (target?.batch) checkBatchWindow(path, target.batch, window, report);
    return target;
  };
  const defaultRoute = readDefault(file["default_target"] ?? undefined, values, read, report);
  const routes = new Map<string, RouteSettings>();
  const named = file["targets"] ?? {};
  const given = values.get("target_url") ?? file["default_target"] ?? undefined;
  if (given === undefined && isObject(named) && Object.keys(named).length === 0) {
    report("no target: set default_target, targets, CONNECTOR_TARGET_URL or --target-url");
  }
  if (typeof named !== "object" || Array.isArray(named)) {
    report("targets: must be an object of webhook id and target");
    return { defaultRoute, routes };
  }
  for (const [id, given] of Object.entries(named)) {
    const route = readRoute(`targets.${id}`, id, given, read, report);
    if (route) routes.set(id, route);
  }
  reportSameNames([...(defaultRoute ? [defaultRoute] : []), ...routes.values()], report);
  return { defaultRoute, routes };
}

function readDefault(
  inFile: unknown,
  values: Values,
  read: ReadTarget,
  report: Report,
): RouteSettings | undefined {
  const url = values.get("target_url");
  const method = values.get("target_method");
  const timeout = values.get("target_timeout");
  const overrides = {
    ...(method !== undefined && { method }),
    ...(timeout !== undefined && { timeout_seconds: timeout }),
  };
  if (url !== undefined) {
    // Another URL is another target: its headers, which may be secrets, stay with the one in the file.
    return readRoute("target_url", "default", { url, ...overrides }, read, report);
  }
  if (inFile === undefined) return undefined;
  const isOne = typeof inFile === "object" && inFile !== null && "url" in inFile;
  const given = isOne ? { ...inFile, ...overrides } : inFile;
  return readRoute("default_target", "default", given, read, report);
}

/** A target, an array of targets, or `{to, ack}`. */
function readRoute(
  path: string,
  name: string,
  given: unknown,
  read: ReadTarget,
  report: Report,
): RouteSettings | undefined {
  if (Array.isArray(given) && given.length > 0) {
    return readSeveral(path, name, given, "all", read);
  }
  if (typeof given !== "object" || given === null || !("to" in given)) {
    const target = read(path, name, given);
    return target && { targets: [target], ack: "all" };
  }
  const { to, ack: policy = "all", ...rest } = given as { to: unknown; ack?: unknown };
  for (const key of Object.keys(rest)) report(`${path}.${key}: unknown key beside "to"`);
  const parsed = ack.safeParse(policy ?? "all");
  if (!parsed.success) {
    report(`${path}.ack: ${JSON.stringify(policy)} is not one of all, any, primary`);
  }
  if (Array.isArray(to) && to.length > 0) {
    return readSeveral(`${path}.to`, name, to, parsed.data ?? "all", read);
  }
  report(`${path}.to: must be an array of at least one target`);
  return undefined;
}

function readSeveral(
  path: string,
  name: string,
  given: readonly unknown[],
  policy: RouteSettings["ack"],
  read: ReadTarget,
): RouteSettings | undefined {
  const [first, ...others] = given.flatMap((one, i) =>
    read(`${path}.${i}`, `${name}/${i + 1}`, one) ?? []
  );
  return first && { targets: [first, ...others], ack: policy };
}

function reportSameNames(routes: readonly RouteSettings[], report: Report): void {
  const names = routes.flatMap(({ targets }) => targets.map(({ name }) => name));
  for (const twice of new Set(names.filter((name, i) => names.indexOf(name) !== i))) {
    report(
      `targets: two have the name ${JSON.stringify(twice)}; dead letters and metrics go by it`,
    );
  }
}
