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

/** What the settings are called in what is reported. */
export interface TlsNames {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** The keys of a file; `at` stands before them: "targets.orders." */
export function tlsKeys(at: string): TlsNames {
  return { ca: `${at}ca_cert_path`, cert: `${at}client_cert_path`, key: `${at}client_key_path` };
}

/**
 * Reads the PEM files and looks inside: the runtimes take garbage without a word and fail later with
 * something else.
 */
export function readTls(paths: TlsPaths, names: TlsNames, report: Report): TlsSettings {
  const { certPath, keyPath } = paths;
  if ((certPath === undefined) !== (keyPath === undefined)) {
    report(`${names.cert} and ${names.key}: set both or neither`);
  }
  const isCertificate = (pem: string) => void new X509Certificate(pem);
  const ca = readPem(names.ca, paths.caPath, "a PEM certificate", isCertificate, report);
  const cert = readPem(
    names.cert,
    certPath,
    "a PEM certificate",
    isCertificate,
    report,
  );
  const key = readPem(
    names.key,
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
      `${names.key}: ${JSON.stringify(keyPath)} is not the key of ${JSON.stringify(certPath)}`,
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
