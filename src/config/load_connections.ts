import { ConfigError } from "./config_error.ts";
import { isObject } from "../protocol/json_object.ts";
import { type FileLayer, withProfile } from "./file_layer.ts";
import { type Listed, listing } from "./listing.ts";
import { type Loaded, loadSettings } from "./load.ts";
import { chosenProfile, type Layers } from "./merge.ts";
import { variableSlips } from "./variable_slips.ts";

/** The settings of each connection of a process; a process of one connection has one with the name "". */
export interface LoadedConnections {
  readonly connections: ReadonlyMap<string, Loaded>;
  /** One of them: what is for the whole process is the same in all. */
  readonly first: Loaded;
  readonly warnings: readonly string[];
  /** What was read. */
  readonly files: readonly string[];
  readonly listing: readonly Listed[];
}

const nameRule = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
/** The names are values of a label of every metric. */
const maxConnections = 100;

/** Throws `ConfigError` with all that is wrong, in all of them. */
export function loadConnections(layers: Layers): LoadedConnections {
  const connections = new Map<string, Loaded>();
  const problems: string[] = [];
  const tried: string[] = [];
  const content = contentOf(layers);
  const names = namesOf(content);
  for (const name of names) {
    if (name !== "" && !nameRule.test(name)) {
      problems.push(`connections: ${JSON.stringify(name)}: use up to 64 letters, digits, _ and -`);
    }
    try {
      const one = loadSettings(name === "" ? layers : { ...layers, connection: name });
      connections.set(name, one);
      tried.push(...one.files);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      tried.push(...error.files);
      problems.push(...error.problems.map((problem) => placed(problem, name, content)));
    }
  }
  if (names.length > maxConnections) problems.push(`connections: more than ${maxConnections}`);
  problems.push(...sameTwice(connections));
  const slips = variableSlips(layers.env);
  const files = [...new Set(tried)];
  const [first] = connections.values();
  if (problems.length > 0 || !first) {
    throw new ConfigError(
      problems.length > 0 ? [...new Set(problems), ...slips] : ["connections: name at least one"],
      files,
    );
  }
  const all = [...connections.entries()];
  return {
    connections,
    first,
    warnings: [...new Set(all.flatMap(([, { warnings }]) => warnings)), ...slips],
    files,
    listing: all.flatMap(([name, one]) =>
      listing(one).map((listed) =>
        name === "" ? listed : {
          ...listed,
          key: `connections.${name}.${listed.key}`,
        }
      )
    ),
  };
}

/** By whom a problem says that its value was set, when it was for all connections. */
const fromAbove = /( from |\()(environment|flag|profile|standard input)\b/;

/** The problem of a connection with its path in the file: what stands at the top is wrong in all of them. */
function placed(problem: string, name: string, content: FileLayer["content"]): string {
  if (name === "") return problem;
  const { connections, ...top } = content;
  const own = Object(Object(connections)[name]);
  const key = /^\w*/.exec(problem)?.[0] ?? "";
  const isAbove = key === "connections" ||
    !Object.hasOwn(own, key) && (Object.hasOwn(top, key) || fromAbove.test(problem));
  if (isAbove) return problem;
  const isOfKey = /^\w+([.:]| and )/.test(problem);
  return `connections.${name}${isOfKey ? "." : ": "}${problem}`;
}

/** Of the connections that the layers name; [""] where they are of one that has none. Throws `ConfigError`. */
export function connectionNames(layers: Layers): readonly string[] {
  return namesOf(contentOf(layers));
}

function contentOf(layers: Layers): FileLayer["content"] {
  return withProfile(layers.file?.content ?? {}, chosenProfile(layers)?.name);
}

function namesOf({ connections: given }: FileLayer["content"]): string[] {
  if (given === undefined || given === null) return [""];
  if (!isObject(given)) {
    throw new ConfigError(["connections: must be an object of name and settings"]);
  }
  return Object.keys(given);
}

/** Two that read the same would take each other's messages, and share a journal. */
function sameTwice(connections: ReadonlyMap<string, Loaded>): string[] {
  const seen = new Map<string, string>();
  return [...connections].flatMap(([name, { settings: { source, journal: { place } } }]) => {
    const keys = [`channel ${source.channel} at ${source.url.href}`];
    if (place.kind === "folder") keys.push(`journal ${place.folder}`);
    return keys.flatMap((key) => {
      const other = seen.get(key);
      seen.set(key, name);
      return other === undefined ? [] : [`connections.${name}: has the ${key}, as ${other} has`];
    });
  });
}
