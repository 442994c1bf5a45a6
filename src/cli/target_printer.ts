import { createHmac, timingSafeEqual } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";

export interface TargetPrinter {
  readonly url: URL;
  close(): Promise<void>;
}

/** A target that prints what it gets, and whether GitHub's signature over the body still holds. */
export async function startTargetPrinter(
  secret: string,
  print: (line: string) => void,
): Promise<TargetPrinter> {
  const server = http.createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      const signature = request.headers["x-hub-signature-256"];
      const verdict = signature === undefined
        ? ""
        : `, signature ${
          isSameSignature(String(signature), sign(body, secret)) ? "valid" : "INVALID"
        }`;
      print(`target     ${request.method} ${request.url} (${body.length} bytes${verdict})`);
      print(`           ${body.toString("utf8").slice(0, 200)}`);
      response.end("ok\n");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${port}/`),
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** `X-Hub-Signature-256` of a body, as GitHub makes it: HMAC-SHA256, hex. */
export function sign(body: Uint8Array, secret: string): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}

/** Compares two signatures in constant time. */
export function isSameSignature(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
