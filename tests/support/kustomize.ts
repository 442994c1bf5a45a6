import { spawnSync } from "node:child_process";
import { parseAllDocuments } from "yaml";

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly [key: string]: unknown;
}

/** Why tests that need kustomize are skipped here; undefined when they are not. */
export const noKustomize: string | undefined =
  spawnSync("kubectl", ["kustomize", "--help"], { stdio: "ignore" }).status === 0
    ? undefined
    : "no kubectl on this machine";

/** What `kubectl apply -k` would send. */
export function kustomize(folder: string): Manifest[] {
  const { status, stdout, stderr } = spawnSync("kubectl", ["kustomize", folder], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`kubectl kustomize ended with ${status}: ${stderr}`);
  return parseAllDocuments(stdout).map((document) => document.toJS() as Manifest);
}
