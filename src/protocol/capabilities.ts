import { allCapabilities, type Capability } from "./frames.ts";

/** The known ones among `names`, in our order. */
export function knownCapabilities(names: readonly string[]): Capability[] {
  return allCapabilities.filter((capability) => names.includes(capability));
}

/** Those of a stream that carries nothing but text. */
export function withoutBinary(capabilities: readonly Capability[]): Capability[] {
  return capabilities.filter((capability) => capability !== "binary-body");
}

/** Reads `X-Connector-Capabilities` or `X-Relay-Capabilities`. */
export function parseCapabilities(header: string | null): Capability[] {
  return knownCapabilities((header ?? "").split(",").map((name) => name.trim()));
}
