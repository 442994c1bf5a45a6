import { isObject } from "../protocol/json_object.ts";
import type { ConfigFile } from "./config_file.ts";
import type { Report } from "./config_error.ts";
import type { Keys } from "./file_lines.ts";
import { layerOver } from "./layer_over.ts";
import { resolveReferences } from "./references.ts";
import { didYouMean } from "./near_name.ts";

type Content = Readonly<Record<string, unknown>>;

/** What a file says, its profile chosen and its references replaced. */
export interface FileLayer {
  readonly content: Content;
  /** "file /etc/x.json:12", and the profile where the value is of one. */
  origin(keys: Keys): string;
  /** The text as it was written, where it had references; else undefined. */
  written(keys: Keys): string | undefined;
  /** The files that references name. */
  readonly files: readonly string[];
}

const empty: FileLayer = {
  content: {},
  origin: () => "no file",
  written: () => undefined,
  files: [],
};

/**
 * A file's content with the members of the profile in the place of its own; of `targets`, those of the same webhook
 * id. References stand as they are.
 */
export function withProfile(content: Content, profile: string | undefined): Content {
  const { profiles, ...base } = content;
  const chosen = isObject(profiles) && profile !== undefined && Object.hasOwn(profiles, profile);
  const over = chosen ? profiles[profile] : undefined;
  if (!isObject(over)) return base;
  const merged = layerOver(base, over);
  if (isObject(base["targets"]) && isObject(over["targets"])) {
    merged["targets"] = { ...base["targets"], ...over["targets"] };
  }
  return merged;
}

/** The file with its profile, `${VAR}` and `${file:PATH}` replaced. What cannot be had is reported. */
export function fileLayer(
  file: ConfigFile | undefined,
  { profile, env }: {
    readonly profile: { readonly name: string; readonly origin: string } | undefined;
    readonly env: Readonly<Record<string, string | undefined>>;
  },
  report: Report,
): FileLayer {
  const profiles = objectAt("profiles", file?.content["profiles"] ?? {}, report) ?? {};
  const name = profile?.name;
  if (profile && !Object.hasOwn(profiles, profile.name)) {
    const known = Object.keys(profiles);
    report(
      `profile: ${
        JSON.stringify(profile.name)
      } from ${profile.origin} is not one of the profiles ` +
        `${known.join(", ") || "(the file has none)"}${didYouMean(profile.name, known)}`,
    );
  }
  if (!file) return empty;
  const chosen = name !== undefined && Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  const over = objectAt(`profiles.${name}`, chosen ?? {}, report) ?? {};
  for (const key of ["profile", "profiles"].filter((key) => Object.hasOwn(over, key))) {
    report(`profiles.${name}.${key}: a profile cannot hold this`);
  }
  const isOver = ([key = "", id]: Keys) =>
    Object.hasOwn(over, key) &&
    (key !== "targets" || id === undefined || Object.hasOwn(Object(over[key]), id));
  const origin = (keys: Keys) => {
    const inProfile = name !== undefined && isOver(keys);
    const line = file.lineOf?.(inProfile ? ["profiles", name, ...keys] : keys);
    const at = `file ${file.path}${line === undefined ? "" : `:${line}`}`;
    return inProfile ? `profile ${name} in ${at}` : at;
  };
  const resolved = resolveReferences(
    withProfile(file.content, name),
    env,
    (keys, problem) => report(`${keys.join(".")}: ${problem} (${origin(keys)})`),
  );
  return { ...resolved, origin };
}

function objectAt(
  path: string,
  value: unknown,
  report: Report,
): Record<string, unknown> | undefined {
  if (isObject(value)) return value;
  report(`${path}: must be an object`);
  return undefined;
}
