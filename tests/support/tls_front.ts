import { readFileSync } from "node:fs";
import { type AddressInfo, connect, type Socket } from "node:net";
import { join } from "node:path";
import tls from "node:tls";
import type { TestContext } from "./test.ts";

/** The path of one of the certificates that scripts/make_test_certs.sh made. */
export function certPath(name: string): string {
  return join(import.meta.dirname ?? ".", "certs", `${name}.pem`);
}

/** Takes TLS connections, demanding a client certificate of the test CA, and passes their bytes on in plain. */
export async function startTlsFront(t: TestContext, plain: URL): Promise<URL> {
  const sockets = new Set<Socket>();
  const pem = (name: string) => readFileSync(certPath(name), "utf8");
  const server = tls.createServer({
    cert: pem("server"),
    key: pem("server_key"),
    ca: pem("ca"),
    requestCert: true,
    rejectUnauthorized: true,
  }, (secure) => {
    const inner = connect(Number(plain.port), plain.hostname);
    for (const socket of [secure, inner]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        secure.destroy();
        inner.destroy();
      });
    }
    secure.pipe(inner);
    inner.pipe(secure);
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.defer(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return new URL(`https://localhost:${port}${plain.pathname}`);
}
