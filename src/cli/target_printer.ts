import http from "node:http";
import type { AddressInfo } from "node:net";
import { checkSignature } from "./signature_check.ts";

export interface TargetPrinter {
  readonly url: URL;
  close(): Promise<void>;
}

/** Characters of a body that are printed. */
const maxShown = 200;

/** A target that prints what it gets, and whether the provider's signature over the body still holds. */
export async function startTargetPrinter(
  secret: string,
  print: (line: string) => void,
): Promise<TargetPrinter> {
  const server = http.createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      const isValid = checkSignature(request.headers, body, secret);
      const verdict = isValid === undefined ? "" : `, signature ${isValid ? "valid" : "INVALID"}`;
      print(`target     ${request.method} ${request.url} (${body.length} bytes${verdict})`);
      print(`           ${printable(body)}`);
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

/** The beginning of a body on one line, without characters that a terminal would obey. */
function printable(body: Uint8Array): string {
  const text = new TextDecoder().decode(body.subarray(0, 4 * maxShown));
  const visible = text.trimEnd().replace(/\p{Cc}/gu, "\ufffd");
  return visible.length > maxShown ? `${visible.slice(0, maxShown)}…` : visible;
}
