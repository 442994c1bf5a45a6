/** A release as it lies on a server: executables and SHA256SUMS. */
import { createHash } from "node:crypto";
import { startHttpServer } from "./http_server.ts";
import type { TestContext } from "./cleanup.ts";

/** A script that stands for the executable: it says its version, and what `service` was asked of it. */
export function executable(version = "0.1.0"): string {
  return `#!/bin/sh
case $1 in
  version) echo "hookferry ${version} (a script)" ;;
  service) echo "service $2" ;;
  *) exit 2 ;;
esac
`;
}

export const sumOf = (content: string | Uint8Array): string =>
  createHash("sha256").update(content).digest("hex");

/** What SHA256SUMS holds for these files. */
export function sums(files: Readonly<Record<string, string | Uint8Array>>): string {
  return Object.entries(files).map(([name, content]) => `${sumOf(content)}  ${name}\n`).join("");
}

export interface Release {
  readonly url: string;
  /** Paths that were asked for. */
  readonly asked: string[];
}

/** Serves files by path; one that is a number is answered with that status, one that is "cut" ends in its midst. */
export async function serveRelease(
  t: TestContext,
  files: Readonly<Record<string, string | Uint8Array | number>>,
): Promise<Release> {
  const asked: string[] = [];
  const { url } = await startHttpServer(t, (request, response) => {
    const path = (request.url ?? "/").slice(1);
    asked.push(path);
    const content = files[path] ?? 404;
    if (typeof content === "number") return void response.writeHead(content).end();
    if (content === "cut") {
      response.writeHead(200, { "Content-Length": 1_000 }).write("half");
      return void setImmediate(() => response.destroy());
    }
    response.writeHead(200, { "Content-Length": Buffer.byteLength(content) }).end(content);
  });
  return { url, asked };
}
