import { statSync } from "node:fs";
import { isObject } from "../protocol/json_object.ts";
import { allTargets } from "./all_targets.ts";
import type { Layers, Values } from "./merge.ts";
import { isOnlyReferences } from "./references.ts";
import type { Settings } from "./settings.ts";
import { isSmee, smeeWarnings } from "./smee_source.ts";

/** What is accepted but may hurt, or does nothing: secrets that others can read, certificates that nobody checks. */
export function configWarnings(settings: Settings, values: Values, layers: Layers): string[] {
  const warnings = isSmee(values) ? smeeWarnings(values) : [];
  const tokenFile = values.get("token_file");
  if (tokenFile !== undefined) warnings.push(...readableByOthers("token_file", tokenFile));
  const { file } = layers;
  if (file && holdsToken(file.content)) {
    warnings.push(...readableByOthers("the configuration file with the token", file.path));
  }
  if (!settings.source.tls.verify) {
    warnings.push("verify_ssl is off: whoever sits between us and the relay can read the token");
  }
  const { log } = settings;
  if (log.payload && log.level !== "debug") {
    warnings.push(
      `log_payload shows nothing at log_level ${log.level}: payloads are logged at level debug`,
    );
  }
  for (const target of allTargets(settings)) {
    if (target.url.protocol === "https:" && !target.tls.verify) {
      warnings.push(`the certificate of the target ${JSON.stringify(target.name)} is not verified`);
    }
  }
  return warnings;
}

/** Whether a token itself stands in the file: at the top, of a connection, or of a profile, chosen or not. */
function holdsToken(content: unknown): boolean {
  if (!isObject(content)) return false;
  const { token, connections, profiles } = content;
  if (typeof token === "string" && !isOnlyReferences(token)) return true;
  return [connections, profiles]
    .some((parts) => isObject(parts) && Object.values(parts).some(holdsToken));
}

function readableByOthers(what: string, path: string): string[] {
  let mode: number;
  try {
    ({ mode } = statSync(path));
  } catch {
    return []; // It was read a moment ago; that it is gone now is not what this is about.
  }
  if ((mode & 0o077) === 0) return [];
  return [`${what}, ${JSON.stringify(path)}, can be read by other users: chmod 600 it`];
}
