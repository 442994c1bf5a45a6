import type { Socket } from "node:net";
import { type Cancel, onAbort } from "../async/abort.ts";

/**
 * The socket, when the event has come; with TLS over another one (`beneath`) that has not ended meanwhile. Rejects with
 * the network's error or the signal's reason; then nothing is left open.
 */
export function connected<S extends Socket>(
  socket: S,
  signal: Cancel,
  event: "connect" | "secureConnect" = "connect",
  beneath?: Socket,
): Promise<S> {
  return new Promise((resolve, reject) => {
    let forget = () => {};
    const failed = (error: unknown) => {
      forget();
      socket.destroy();
      beneath?.destroy();
      reject(error);
    };
    const closed = () => failed(new Error("connection closed"));
    // It stays: Deno destroys a socket with the reason of an abort and says so once more.
    socket.on("error", failed);
    socket.once("close", closed);
    beneath?.once("close", closed);
    forget = onAbort(signal, () => failed(signal.reason));
    socket.once(event, () => {
      forget();
      socket.off("close", closed);
      beneath?.off("close", closed);
      resolve(socket);
    });
  });
}
