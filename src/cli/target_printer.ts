import http from "node:http";
import type { AddressInfo } from "node:net";
import type { Told } from "../output/record.ts";
import { checkSignature } from "./signature_check.ts";

export interface TargetPrinter {
  readonly url: URL;
  close(): Promise<void>;
}

/** Characters of a body that are told. */
const maxShown = 200;

/** A target that tells what it gets, and whether the provider's signature over the body still holds. */
export async function startTargetPrinter(
  secret: string,
  tell: (told: Told) => void,
): Promise<TargetPrinter> {
  const server = http.createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      const isValid = checkSignature(request.headers, body, secret);
      const signature = isValid === undefined ? null : isValid ? "valid" : "invalid";
      const { method = "", url = "" } = request;
      tell({ type: "request", method, url, bytes: body.length, signature, body: beginning(body) });
      response.end(signature === null ? "ok\n" : `ok, signature ${signature}\n`);
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

function beginning(body: Uint8Array): string {
  const text = new TextDecoder().decode(body.subarray(0, 4 * maxShown)).trimEnd();
  return text.length > maxShown ? `${text.slice(0, maxShown)}…` : text;
}
