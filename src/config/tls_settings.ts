import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { Report } from "./config_error.ts";
import { readText } from "./read_text.ts";
import type { Values } from "./merge.ts";
import type { Secret } from "./secret.ts";
import type { TlsSettings } from "./settings.ts";

/** TLS as the configuration gives it: paths. */
export interface TlsPaths {
  readonly verify: boolean;
  readonly caPath: string | undefined;
  readonly certPath: string | undefined;
  readonly keyPath: string | undefined;
  readonly passphrase?: Secret | undefined;
  readonly serverName?: string | undefined;
  readonly minVersion?: TlsSettings["minVersion"];
}

/** What the settings are called in what is reported. */
export interface TlsNames {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly serverName?: string;
  /** Undefined = a key with a passphrase is not accepted. */
  readonly passphrase?: string;
}

/** The relay's, as the options say. */
export function readRelayTls(values: Values, report: Report): TlsSettings {
  const tls = readTls(
    {
      verify: values.get("verify_ssl"),
      caPath: values.get("ca_cert_path"),
      certPath: values.get("client_cert_path"),
      keyPath: values.get("client_key_path"),
      passphrase: values.get("client_key_passphrase"),
      serverName: values.get("tls_server_name"),
      minVersion: values.get("tls_min_version"),
    },
    tlsKeys(""),
    report,
  );
  if (!tls.verify && !values.get("allow_insecure")) {
    report(
      "verify_ssl: off, whoever sits between us and the relay can read the token; give the CA as " +
        "ca_cert_path, or set allow_insecure if that is what you want",
    );
  }
  return tls;
}

/** The keys of a file; `at` stands before them: "targets.orders." */
export function tlsKeys(at: string): TlsNames {
  return {
    ca: `${at}ca_cert_path`,
    cert: `${at}client_cert_path`,
    key: `${at}client_key_path`,
    passphrase: `${at}client_key_passphrase`,
    serverName: `${at}tls_server_name`,
  };
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
  if (paths.passphrase && keyPath === undefined) {
    report(`${names.passphrase}: has no meaning without ${names.key}`);
  }
  const ca = readCertificates(names.ca, paths.caPath, report);
  const cert = readCertificates(names.cert, certPath, report);
  const key = keyPath === undefined
    ? undefined
    : readKey(keyPath, paths.passphrase?.reveal(), names, report);
  if (cert !== undefined && key !== undefined && !belongTogether(cert, key)) {
    report(
      `${names.key}: ${JSON.stringify(keyPath)} is not the key of ${JSON.stringify(certPath)}`,
    );
  }
  const { verify, serverName, minVersion } = paths;
  if (serverName !== undefined && !isHostName(serverName)) {
    report(`${names.serverName}: ${JSON.stringify(serverName)} is not a host name`);
  }
  return { verify, ca, cert, key, serverName, minVersion };
}

/** The key without its passphrase, as the runtimes take it. */
function readKey(
  path: string,
  passphrase: string | undefined,
  names: TlsNames,
  report: Report,
): string | undefined {
  const pem = readText(names.key, path, report);
  if (pem === undefined) return undefined;
  const refuse = (why: string) => void report(`${names.key}: ${JSON.stringify(path)} ${why}`);
  const isLocked = pem.includes("ENCRYPTED");
  // Said here, because OpenSSL would ask for the passphrase on the terminal.
  if (isLocked && passphrase === undefined) {
    return refuse(
      `has a passphrase: ${
        names.passphrase === undefined ? "use one without" : `set ${names.passphrase}`
      }`,
    );
  }
  let key: KeyObject;
  try {
    key = createPrivateKey({
      key: pem,
      ...(isLocked && passphrase !== undefined && { passphrase }),
    });
  } catch {
    return refuse(
      isLocked
        ? `does not open with ${names.passphrase}, or is locked in an old way: ` +
          `openssl pkcs8 -topk8 -in KEY -out NEW makes one that can be read`
        : "does not hold a PEM private key",
    );
  }
  if (!isUsable(key)) {
    return refuse(
      `holds a key of the kind ${kindOf(key)}, which Deno or Bun cannot use: ` +
        `use RSA of at least 2048 bits, EC on P-256, P-384 or P-521, or Ed25519`,
    );
  }
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

const curves = new Set(["prime256v1", "P-256", "secp384r1", "P-384", "secp521r1", "P-521"]);

/** Both runtimes can prove to a server that they have it. */
function isUsable({ asymmetricKeyType: type, asymmetricKeyDetails: details = {} }: KeyObject) {
  if (type === "rsa") return (details.modulusLength ?? 0) >= 2048;
  if (type === "ec") return curves.has(details.namedCurve ?? "");
  return type === "ed25519";
}

function kindOf({ asymmetricKeyType: type, asymmetricKeyDetails: details = {} }: KeyObject) {
  return [type, details.namedCurve, details.modulusLength].filter(Boolean).join(" ");
}

/** Not an address: TLS knows server names only (RFC 6066 section 3). */
function isHostName(text: string): boolean {
  return text.length <= 253 && isIP(text) === 0 &&
    /^[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*$/i.test(text);
}

function readCertificates(
  name: string,
  path: string | undefined,
  report: Report,
): string | undefined {
  if (path === undefined) return undefined;
  const pem = readText(name, path, report);
  if (pem === undefined) return undefined;
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g) ?? [pem];
  try {
    for (const block of blocks) new X509Certificate(block);
    return pem;
  } catch {
    report(`${name}: ${JSON.stringify(path)} does not hold a PEM certificate`);
    return undefined;
  }
}

function belongTogether(cert: string, key: string): boolean {
  return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
}
