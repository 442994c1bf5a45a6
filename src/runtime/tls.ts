import { getCACertificates } from "node:tls";
import type { TlsSettings } from "../config/settings.ts";

/** TLS settings as everything that is built on `node:tls` takes them. */
export interface NodeTlsOptions {
  readonly rejectUnauthorized: boolean;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  readonly ca?: string[];
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
}

/** The same meaning on both runtimes: the CA is added to what the runtime trusts, not put in its place. */
export function nodeTlsOptions(tls: TlsSettings): NodeTlsOptions {
  return {
    rejectUnauthorized: tls.verify,
    minVersion: tls.minVersion === "tls1.3" ? "TLSv1.3" : "TLSv1.2",
    ...(tls.ca !== undefined && { ca: [...getCACertificates("default"), tls.ca] }),
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: tls.key }),
    ...(tls.serverName !== undefined && { servername: tls.serverName }),
  };
}
