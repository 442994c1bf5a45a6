/** Which runtime this is. Other code asks for what it needs, not for a name. */
export const runtimeGlobals = globalThis as {
  Deno?: { version: { deno: string } };
  Bun?: { version: string };
};

export const isDeno: boolean = runtimeGlobals.Deno !== undefined;

/** For `hookferry version` and the build-info metric. */
export const runtimeName: string = isDeno
  ? `deno ${runtimeGlobals.Deno?.version.deno}`
  : `bun ${runtimeGlobals.Bun?.version}`;
