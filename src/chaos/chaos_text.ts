import type { Chaos } from "./chaos.ts";

type Kind = "probability" | "duration" | "seed";

const names: Readonly<Record<string, { readonly member: keyof Chaos; readonly kind: Kind }>> = {
  "drop-acks": { member: "dropAcks", kind: "probability" },
  "kill-connection": { member: "killConnection", kind: "probability" },
  "target-5xx": { member: "target5xx", kind: "probability" },
  "delay": { member: "delayMs", kind: "duration" },
  "seed": { member: "seed", kind: "seed" },
};
const accepted: Readonly<Record<Kind, string>> = {
  probability: "a probability, 0 to 1",
  duration: "a duration, as 50ms or 2s",
  seed: "a whole number, 0 to 4294967295",
};

/**
 * Reads "drop-acks=0.1,delay=50ms". What is not named does not happen; the seed is `otherSeed` where none is
 * given. A string says what is wrong and what is accepted.
 */
export function parseChaos(text: string, otherSeed: number): Chaos | string {
  const values = { dropAcks: 0, killConnection: 0, target5xx: 0, delayMs: 0, seed: otherSeed };
  const seen = new Set<string>();
  for (const part of text.split(",")) {
    const [name = "", given, ...more] = part.trim().split("=");
    const found = Object.hasOwn(names, name) ? names[name] : undefined;
    if (!found) {
      return `${JSON.stringify(name)}: use ${Object.keys(names).join(", ")}, each as NAME=VALUE`;
    }
    if (seen.has(name)) return `${name} is given twice`;
    seen.add(name);
    const value = more.length === 0 ? read(found.kind, given ?? "") : undefined;
    if (value === undefined) {
      return `${name}: ${JSON.stringify(given ?? "")}: use ${accepted[found.kind]}`;
    }
    values[found.member] = value;
  }
  return values;
}

/** The text that brings the same faults again. */
export function chaosText(chaos: Chaos): string {
  return Object.entries(names).map(([name, { member, kind }]) =>
    `${name}=${chaos[member]}${kind === "duration" ? "ms" : ""}`
  ).join(",");
}

function read(kind: Kind, text: string): number | undefined {
  switch (kind) {
    case "probability": {
      const value = /^(\d+(\.\d+)?|\.\d+)$/.test(text) ? Number(text) : NaN;
      return value <= 1 ? value : undefined;
    }
    case "duration": {
      const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(text) ?? [];
      return digits === undefined ? undefined : Number(digits) * (unit === "s" ? 1000 : 1);
    }
    case "seed": {
      const value = /^\d+$/.test(text) ? Number(text) : NaN;
      return value <= 0xffff_ffff ? value : undefined;
    }
  }
}
