import process from "node:process";
import { ConfigError } from "../config/config_error.ts";
import { type Layers, mergeLayers } from "../config/merge.ts";
import { visible } from "../output/visible.ts";
import type { Flags } from "./flags.ts";
import { readLayersAnd } from "./layers.ts";

export interface LayersToAsk {
  readonly layers: Layers;
  readonly flags: Flags;
  /** Why the file, which they are without then, cannot be read. */
  readonly unread: ConfigError | undefined;
}

/**
 * The layers for a command that asks a running connector, which may have refused a file that cannot be read and goes
 * on: then flag, variable or default say where it listens, and a warning says so. What `acts` on it is not done at the
 * default, where another connector may listen. Rejects with a `ConfigError`.
 */
export async function readLayersToAsk(
  args: readonly string[],
  own: Readonly<Record<string, "string" | "boolean">>,
  { acts, maxWords = 0 }: { readonly acts: boolean; readonly maxWords?: number },
): Promise<LayersToAsk> {
  let unread: ConfigError | undefined;
  const read = await readLayersAnd(args, own, maxWords, (error) => unread = error);
  if (unread) {
    const where = mergeLayers(read.layers, () => {}).origin("status_listen");
    if (acts && where?.rank === 0) {
      throw new ConfigError([
        ...unread.problems,
        "status_listen: cannot be known then: give --status-listen HOST:PORT to ask the " +
        "connector that runs all the same",
      ]);
    }
    process.stderr.write(
      `hookferry: ${visible(unread.problems.join("; "))}\n` +
        `hookferry: asking at ${visible(`${where?.value} (${where?.origin})`)} all the same\n`,
    );
  }
  return { ...read, unread };
}
