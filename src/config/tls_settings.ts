import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Report } from "./config_error.ts";
import { readText } from "./read_text.ts";
import type { TlsSettings } from "./settings.ts";

/** TLS as the configuration gives it: paths. */
export interface TlsPaths {
  readonly verify: boolean;
  readonly caPath: string | undefined;
  readonly certPath: string | undefined;
  readonly keyPath: string | undefined;
}

/**
 * Reads the PEM files and looks inside: the runtimes take garbage without a word and fail later with
 * something else. `at` stands before the names of the settings in what is reported.
 */
export function readTls(paths: TlsPaths, at: string, report: Report): TlsSettings {
  const { certPath, keyPath } = paths;
  if ((certPath === undefined) !== (keyPath === undefined)) {
    report(`${at}client_cert_path and ${at}client_key_path: set both or neither`);
  }
  const isCertificate = (pem: string) => void new X509Certificate(pem);
  const ca = readPem(`${at}ca_cert_path`, paths.caPath, "a PEM certificate", isCertificate, report);
  const cert = readPem(
    `${at}client_cert_path`,
    certPath,
    "a PEM certificate",
    isCertificate,
    report,
  );
  const key = readPem(
    `${at}client_key_path`,
    keyPath,
    "a PEM private key without a passphrase",
    (pem) => {
      // Said here, because OpenSSL would ask for the passphrase on the terminal.
      if (pem.includes("ENCRYPTED")) throw new Error("encrypted");
      createPrivateKey(pem);
    },
    report,
  );
  if (cert !== undefined && key !== undefined && !belongTogether(cert, key)) {
    report(
      `${at}client_key_path: ${JSON.stringify(keyPath)} is not the key of ${
        JSON.stringify(certPath)
      }`,
    );
  }
  return { verify: paths.verify, ca, cert, key };
}

function readPem(
  name: string,
  path: string | undefined,
  what: string,
  check: (pem: string) => void,
  report: Report,
): string | undefined {
  if (path === undefined) return undefined;
  const pem = readText(name, path, report);
  if (pem === undefined) return undefined;
  try {
    check(pem);
    return pem;
  } catch {
    report(`${name}: ${JSON.stringify(path)} does not hold ${what}`);
    return undefined;
  }
}

function belongTogether(cert: string, key: string): boolean {
  return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
}
