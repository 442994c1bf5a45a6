/** Whether who answers is the connector that the settings name: two of one user may listen at the same address. */
import { z } from "zod";
import { ConfigError } from "../config/config_error.ts";
import { identityText, loadIdentity } from "../config/identity.ts";
import { connectionNames } from "../config/load_connections.ts";
import type { Layers } from "../config/merge.ts";

const one = z.object({ identity: z.string() });
/** Of one connection, or of several by their names. */
const running = z.union([
  one.transform(({ identity }) => [identity]),
  z.object({ connections: z.record(z.string(), one) })
    .transform(({ connections }) => Object.values(connections).map(({ identity }) => identity)),
]);

/** Whose `/status` it is, where that is known to be another connector than the layers name. */
export function otherConnector(layers: Layers, status: unknown): string | undefined {
  const found = running.safeParse(status).data;
  const meant = identitiesOf(layers);
  if (!found?.length || !meant) return undefined;
  // Where the settings say no id it may have one all the same, from its command line.
  const isMeant = (identity: string) =>
    meant.some((one) => identity === one || identity.startsWith(`${one}@`));
  return found.some(isMeant) ? undefined : found.join(", ");
}

/** Of all connections; undefined where the layers do not tell. */
export function identitiesOf(layers: Layers): readonly string[] | undefined {
  try {
    const all = connectionNames(layers).map((name) =>
      identityText(loadIdentity(name === "" ? layers : { ...layers, connection: name }).source)
    );
    return all.length > 0 ? all : undefined;
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}
