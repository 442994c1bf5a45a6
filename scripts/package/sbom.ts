/**
 * `deno task sbom`: prints what is inside an executable as a CycloneDX 1.6 bill of materials: the npm packages that
 * `deno.lock` pins, from those of `dependencies` on, with their checksums.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import manifest from "../../package.json" with { type: "json" };

interface Locked {
  readonly integrity: string;
  readonly dependencies?: readonly string[];
  readonly optionalDependencies?: readonly string[];
}

export interface Lock {
  /** What a request such as `npm:ws@8.23.0` came to. */
  readonly specifiers: Readonly<Record<string, string>>;
  /** By name and version, after which `_` and the peers may stand. */
  readonly npm: Readonly<Record<string, Locked>>;
}

interface Package {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** Throws for a dependency that the lock does not have. */
export function bill({ name, version, dependencies }: Package, lock: Lock) {
  const self = reference(`${name}@${version}`);
  const direct = Object.entries(dependencies).map(([dependency, wanted]) => {
    const found = lock.specifiers[`npm:${dependency}@${wanted}`];
    return keyOf(`${dependency}@${found}`, lock);
  });
  const all = new Map<string, readonly string[]>();
  const waiting = [...direct];
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    if (all.has(key)) continue;
    const { dependencies = [], optionalDependencies = [] } = lock.npm[key] ?? {};
    const needed = [...dependencies, ...optionalDependencies].map((one) => keyOf(one, lock));
    all.set(key, needed);
    waiting.push(...needed);
  }
  const keys = [...all.keys()].sort();
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: { "type": "application", "bom-ref": self, name, version, purl: self },
    },
    components: keys.map((key) => component(key, lock)),
    dependencies: [
      { ref: self, dependsOn: direct.map(reference).sort() },
      ...keys.map((key) => ({
        ref: reference(key),
        dependsOn: [...new Set(all.get(key)?.map(reference))].sort(),
      })),
    ],
  };
}

/** The entry of the lock for a name alone, where it is the only one, or for name and version. */
function keyOf(wanted: string, { npm }: Lock): string {
  if (npm[wanted]) return wanted;
  const fitting = Object.keys(npm).filter((key) =>
    key.startsWith(`${wanted}@`) || key.startsWith(`${wanted}_`)
  );
  const [found] = fitting;
  if (found === undefined || fitting.length > 1) {
    throw new Error(`deno.lock has ${fitting.length} entries for ${JSON.stringify(wanted)}`);
  }
  return found;
}

function component(key: string, { npm }: Lock) {
  const [, name = "", version = ""] = /^(.+?)@([^@_]+)/.exec(key) ?? [];
  const [algorithm, digest = ""] = npm[key]?.integrity.split("-") ?? [];
  if (algorithm !== "sha512") throw new Error(`${key}: a checksum by ${algorithm}, not sha512`);
  return {
    "type": "library",
    "bom-ref": reference(key),
    name,
    version,
    purl: reference(key),
    hashes: [{ alg: "SHA-512", content: Buffer.from(digest, "base64").toString("hex") }],
  };
}

/** The package URL. */
function reference(key: string): string {
  const [, name = "", version = ""] = /^(.+?)@([^@_]+)/.exec(key) ?? [];
  return `pkg:npm/${name.replace(/^@/, "%40")}@${version}`;
}

if (import.meta.main) {
  const lock = readFileSync(join(import.meta.dirname ?? ".", "..", "..", "deno.lock"), "utf8");
  process.stdout.write(`${JSON.stringify(bill(manifest, JSON.parse(lock)), null, 2)}\n`);
}
