/** One connector or relay that the system is to run, whatever runs services there. */
export interface Instance {
  readonly name: string;
  readonly role: Role;
  /** The executable, absolute. */
  readonly program: string;
  /** Undefined: one that the service manager makes, where it can. */
  readonly user: string | undefined;
  /** The connector's configuration, absolute. */
  readonly config: string | undefined;
  /** Holds the connector's token; it need not be readable by the user where the manager hands it over. */
  readonly tokenFile: string | undefined;
  /** Holds the relay's channels and their secrets; as `tokenFile`. */
  readonly webhooksFile: string | undefined;
  /** Folders outside of its state folder into which it writes, absolute. */
  readonly written: readonly string[];
  /** What the command is given besides. */
  readonly more: readonly string[];
  /** It is given so long to end. */
  readonly stopSeconds: number;
  /** It listens on a port below 1024. */
  readonly isPrivileged: boolean;
}

export const roles = ["connector", "relay"] as const;
export type Role = (typeof roles)[number];

/** The name of unit, script, job or task; those of several instances stand side by side. */
export function serviceName(instance: string): string {
  return `hookferry-${instance}`;
}

/** Stands in every file that is written: what lacks it was not written by us, and is left alone. */
export const madeBy = "Made by hookferry service install";

/** Variables of the instance (`NAME=value` lines), for what should be in no file that others can read. */
export function environmentFile(instance: string): string {
  return `/etc/hookferry/${instance}.env`;
}

/** Arguments of the program. */
export function commandWords({ role, config, webhooksFile, more }: Instance): readonly string[] {
  return [
    ...(role === "relay" ? ["relay"] : ["connect", "--output", "quiet"]),
    ...(config === undefined ? [] : ["--config", config]),
    ...(webhooksFile === undefined ? [] : ["--webhooks", webhooksFile]),
    ...more,
  ];
}
