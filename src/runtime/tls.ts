import { rootCertificates } from "node:tls";
import type { TlsSettings } from "../config/settings.ts";

/** The same TLS meaning for everything built on `node:tls`: the CA is added to the roots, not put in their place. */
export function nodeTlsOptions(tls: TlsSettings): {
  rejectUnauthorized: boolean;
  ca?: string[];
  cert?: string;
  key?: string;
} {
  return {
    rejectUnauthorized: tls.verify,
    ...(tls.ca !== undefined && { ca: [...rootCertificates, tls.ca] }),
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: tls.key }),
  };
}
