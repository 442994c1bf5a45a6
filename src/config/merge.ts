import type { Report } from "./config_error.ts";
import type { ConfigFile } from "./config_file.ts";
import { connectionLayer } from "./connection_layer.ts";
import { type FileLayer, fileLayer } from "./file_layer.ts";
import type { Keys } from "./file_lines.ts";
import { didYouMean } from "./near_name.ts";
import { accepted, type AnyOptionValue, checkValue, parseText } from "./option_value.ts";
import { shown } from "./shown.ts";
import { envName, flagName, type OptionKey, options, type OptionValue } from "./options.ts";

/** What the settings are made from, weakest first. */
export interface Layers {
  readonly file: ConfigFile | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** By option key. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  /** Of the file's connections this one; undefined = the file is of one connection. */
  readonly connection?: string;
  /** The token, where it was read from standard input. */
  readonly stdinToken?: string;
}

/** A value and who set it. */
export interface Origin {
  readonly value: AnyOptionValue;
  /** In words: "default", "file /etc/x.json:12", "environment CONNECTOR_X", "flag --x". */
  readonly origin: string;
  /** 0 = default, then file, environment, flag. */
  readonly rank: number;
}

/** The value of every option that has one, and where it came from. */
export class Values {
  readonly #origins: ReadonlyMap<string, Origin>;
  /** What the file says, options or not. */
  readonly file: FileLayer;
  /** The environment. */
  readonly env: Layers["env"];

  constructor(origins: ReadonlyMap<string, Origin>, file: FileLayer, env: Layers["env"]) {
    this.#origins = origins;
    this.file = file;
    this.env = env;
  }

  get<Key extends OptionKey>(key: Key): OptionValue<Key> {
    // The option list has checked the value against the very kind that this type is computed from.
    return this.#origins.get(key)?.value as OptionValue<Key>;
  }

  origin(key: OptionKey): Origin | undefined {
    return this.#origins.get(key);
  }

  /** An option's value as it was written, where that was with references. */
  written(key: OptionKey): string | undefined {
    return this.origin(key)?.rank === 1 ? this.file.written([key]) : undefined;
  }

  /** The same of a value of a target in the file; `target_url` is an option and gives a target its URL. */
  writtenInTarget(keys: Keys): string | undefined {
    const [top, key] = keys;
    if (top !== "target_url") return this.file.written(keys);
    return key === "url" ? this.written("target_url") : undefined;
  }

  /** An option's value for a message, as it was written, and who set it. */
  quoted(key: OptionKey): string {
    const found = this.#origins.get(key);
    return `${shown(this.written(key) ?? found?.value)} from ${found?.origin}`;
  }

  ms(key: MillisecondKey): number {
    return this.get(key) * 1000;
  }
}

/** The options that are seconds and have a default. */
type MillisecondKey = {
  [Key in OptionKey]: [OptionValue<Key>] extends [number] ? Key : never;
}[OptionKey];

/** Modes of the old connector that this one does not have. */
const unsupported = [
  "webhooks_config",
  "connections_config",
  "etcd_host",
  "etcd_port",
  "etcd_prefix",
  "namespace",
];
/** Keys of a file that are not options. */
const structuredKeys = ["default_target", "targets", "profiles", "connections", "$schema"];

/**
 * Defaults < file < environment < flags. "Set" means present; an empty variable counts as unset, and so does
 * null in a file. What is wrong is reported, and the weaker value stands.
 */
export function mergeLayers(layers: Layers, report: Report): Values {
  const { env, flags, stdinToken } = layers;
  const whole = fileLayer(layers.file, { profile: chosenProfile(layers), env }, report);
  const file = layers.connection === undefined
    ? whole
    : connectionLayer(whole, layers.connection, report);
  const origins = new Map<string, Origin>();
  for (const option of options) {
    const { key, kind } = option;
    const set = (
      rank: number,
      value: AnyOptionValue | undefined,
      given: unknown,
      origin: string,
    ) => {
      if (value !== undefined) return origins.set(key, { value, origin, rank });
      const what = kind.type === "secret" ? "its value" : shown(given);
      report(`${key}: ${what} from ${origin} is not ${accepted(kind)}`);
    };
    if (option.default !== undefined) set(0, option.default, option.default, "default");
    const inFile = file.content[key];
    if (inFile !== undefined && inFile !== null && !isOldLogFormat(key, inFile)) {
      const written = file.written([key]);
      // What a reference stands for is a text, as a variable is.
      const value = written === undefined
        ? checkValue(kind, inFile)
        : parseText(kind, String(inFile));
      set(1, value, written ?? inFile, file.origin([key]));
    }
    const inEnv = env[envName(option)];
    if (inEnv && !isOldLogFormat(key, inEnv)) {
      set(2, parseText(kind, inEnv), inEnv, `environment ${envName(option)}`);
    }
    const inFlag = flags[key];
    if (inFlag !== undefined) set(3, parseText(kind, inFlag), inFlag, `flag --${flagName(option)}`);
    if (key === "token" && stdinToken !== undefined) {
      set(3, parseText(kind, stdinToken), stdinToken, "standard input");
    }
  }
  reportUnknownKeys(file, report);
  return new Values(origins, file, env);
}

/** The profile that is chosen, by the strongest layer that says. */
export function chosenProfile({ file, env, flags }: Layers) {
  const given = [
    [flags["profile"], "flag --profile"],
    [env["CONNECTOR_PROFILE"], "environment CONNECTOR_PROFILE"],
    [file?.content["profile"], `file ${file?.path}`],
  ];
  const [name, origin] = given.find(([name]) => typeof name === "string" && name !== "") ?? [];
  return typeof name === "string" ? { name, origin: String(origin) } : undefined;
}

/** The old connector's files hold a format of Python's logging there; it says nothing about ours. */
function isOldLogFormat(key: string, value: unknown): boolean {
  return key === "log_format" && typeof value === "string" && value.includes("%(");
}

function reportUnknownKeys(file: FileLayer, report: Report): void {
  const known = [...options.map(({ key }) => key), ...structuredKeys];
  for (const [key, value] of Object.entries(file.content)) {
    if (value === null || known.includes(key)) continue;
    report(
      unsupported.includes(key)
        ? `${key}: this delivery mode of the old connector is not part of hookferry; use default_target or targets`
        : `${key}: unknown key in ${file.origin([key])}${didYouMean(key, known)}`,
    );
  }
}
