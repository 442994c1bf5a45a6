/** Where a NATS server is, and how a relay's streams are kept there. */
export interface NatsAddress {
  /** `host:port` of one or more servers of one cluster. */
  readonly servers: readonly string[];
  readonly tls: boolean;
  /** Copies of each stream in the cluster. */
  readonly replicas: number;
  readonly user?: string;
  readonly password?: string;
  /** Without a user: the server's token. */
  readonly token?: string;
  /** A credentials file (JWT and seed) as NATS' own tools write it. */
  readonly credsPath?: string;
}

export const natsAddressRule =
  "nats://[USER:PASSWORD@]HOST:PORT[,HOST:PORT…][?replicas=1|3|5][&creds=FILE], or tls://…";

/** Undefined when it is not written as `natsAddressRule` says. */
export function parseNatsAddress(text: string): NatsAddress | undefined {
  const [, scheme, login, hosts = "", query = ""] =
    /^(nats|tls):\/\/(?:([^@/?]*)@)?([^@/?]+)\/?(?:\?(.*))?$/.exec(text) ?? [];
  const servers = hosts.split(",");
  if (scheme === undefined || !servers.every(isHost)) return undefined;
  const { replicas = "1", creds, ...unknown } = Object.fromEntries(new URLSearchParams(query));
  if (!["1", "3", "5"].includes(replicas) || Object.keys(unknown).length > 0) return undefined;
  const [name, password] = login === undefined ? [] : splitLogin(login) ?? [];
  if (login !== undefined && !name) return undefined;
  return {
    servers,
    tls: scheme === "tls",
    replicas: Number(replicas),
    ...(name === undefined ? {} : password === undefined ? { token: name } : {
      user: name,
      password,
    }),
    ...(creds === undefined ? {} : { credsPath: creds }),
  };
}

function isHost(host: string): boolean {
  return URL.canParse(`http://${host}`) && new URL(`http://${host}`).host !== "";
}

function splitLogin(login: string): readonly string[] | undefined {
  const at = login.indexOf(":");
  const parts = at < 0 ? [login] : [login.slice(0, at), login.slice(at + 1)];
  try {
    return parts.map((part) => decodeURIComponent(part));
  } catch {
    return undefined; // a % that is no percent-encoding
  }
}
