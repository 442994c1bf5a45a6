import { commandWords, environmentFile, type Instance, madeBy, serviceName } from "./instance.ts";
import type { Manager } from "./manager.ts";

/** A unit for each instance (systemd.service(5), systemd.exec(5)); from systemd 250 on, for `%d`. */
export const systemd: Manager = {
  folder: "/etc/systemd/system",
  ending: ".service",
  mode: 0o644,
  makesUsers: true,
  hidden: ["/home", "/root", "/run/user", "/tmp", "/var/tmp"],
  confines: true,
  text: unit,
  unload: () => [],
  start: ({ name }) => [
    ["systemctl", "daemon-reload"],
    ["systemctl", "enable", serviceName(name)],
    ["systemctl", "restart", serviceName(name)],
  ],
  stop: (service) => [["systemctl", "disable", "--now", service]],
  forget: () => [["systemctl", "daemon-reload"]],
  isRunning: (service) => ["systemctl", "is-active", "--quiet", service],
  stateFolder: (name) => `/var/lib/hookferry/${name}`,
};

/** Exit codes after which another start ends the same: usage, token refused, configuration. */
const lasting = "2 77 78";

function unit(instance: Instance): string {
  const { name, role, program, user, tokenFile, webhooksFile, written, stopSeconds } = instance;
  const words = [program, ...commandWords({ ...instance, webhooksFile: undefined })].map(word);
  const secrets = [
    ...(tokenFile === undefined
      ? []
      : [`LoadCredential=token:${plain(tokenFile)}`, "Environment=CONNECTOR_TOKEN_FILE=%d/token"]),
    ...(webhooksFile === undefined ? [] : [`LoadCredential=webhooks.json:${plain(webhooksFile)}`]),
  ];
  if (webhooksFile !== undefined) words.push("--webhooks", "%d/webhooks.json");
  return `# ${madeBy}; changes belong into systemctl edit ${serviceName(name)}.
[Unit]
Description=hookferry ${role} ${name}
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
# systemd-notify tells it, a child of the program.
NotifyAccess=all
ExecStart=${words.join(" ")}
ExecReload=/bin/kill -HUP $MAINPID
# SIGTERM to the program alone: a systemd-notify under way tells that it stops.
KillMode=mixed
Restart=on-failure
RestartSec=5
RestartPreventExitStatus=${lasting}
# Stopped, and gave back to the relay what was not finished: no failure.
SuccessExitStatus=75
WatchdogSec=60
# Not SIGABRT: a core dump would hold tokens and webhooks.
WatchdogSignal=SIGKILL
TimeoutStopSec=${stopSeconds}

${user === undefined ? "DynamicUser=yes" : `User=${user}`}
StateDirectory=hookferry/${name}
StateDirectoryMode=0700
Environment=XDG_STATE_HOME=%S/hookferry/${name}
EnvironmentFile=-${environmentFile(name)}
${secrets.map((line) => `${line}\n`).join("")}UMask=0077

NoNewPrivileges=yes
${
    instance.isPrivileged
      ? "AmbientCapabilities=CAP_NET_BIND_SERVICE\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE"
      // In a user namespace of its own a capability does not count for ports.
      : "CapabilityBoundingSet=\nPrivateUsers=yes"
  }
ProtectSystem=strict
${written.map((path) => `ReadWritePaths=${quoted(plain(path))}\n`).join("")}ProtectHome=yes
PrivateTmp=yes
PrivateMounts=yes
PrivateDevices=yes
DevicePolicy=closed
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
ProcSubset=pid
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
# No MemoryDenyWriteExecute: JavaScript is compiled while it runs.

[Install]
WantedBy=multi-user.target
`;
}

/** Specifiers are not meant. */
function plain(text: string): string {
  return text.replaceAll("%", "%%");
}

/** One word of a command line; variables are not meant. */
function word(text: string): string {
  return quoted(plain(text).replaceAll("$", "$$$$"));
}

function quoted(escaped: string): string {
  return /^[\w@%$+=:,./-]+$/.test(escaped) ? escaped : `"${escaped.replace(/["\\]/g, "\\$&")}"`;
}
