import { shellWord } from "../quoting.ts";
import { commandWords, environmentFile, type Instance, madeBy, serviceName } from "./instance.ts";
import type { Manager } from "./manager.ts";

/** A script for each instance, kept running by supervise-daemon (openrc-run(8)). */
export const openrc: Manager = {
  folder: "/etc/init.d",
  ending: "",
  mode: 0o755,
  makesUsers: false,
  hidden: [],
  confines: false,
  text: script,
  unload: () => [],
  start: ({ name }) => [
    ["rc-update", "add", serviceName(name), "default"],
    ["rc-service", serviceName(name), "restart"],
  ],
  stop: (service) => [
    ["rc-service", "--ifstarted", service, "stop"],
    ["rc-update", "delete", service, "default"],
  ],
  forget: () => [],
  isRunning: (service) => ["rc-service", "--quiet", service, "status"],
  stateFolder,
};

function script(instance: Instance): string {
  const { name, role, program, user = "root", tokenFile, stopSeconds, isPrivileged } = instance;
  const state = stateFolder(name);
  const log = `/var/log/${serviceName(name)}.log`;
  const file = environmentFile(name);
  // OpenRC has the shell read them once more.
  const words = commandWords(instance).map(shellWord).join(" ");
  return `#!/sbin/openrc-run
# ${madeBy}.
name=${shellWord(`hookferry ${role} ${name}`)}
supervisor=supervise-daemon
command=${shellWord(program)}
command_args=${shellWord(words)}
command_user=${shellWord(user)}
${
    isPrivileged
      ? 'capabilities="^cap_net_bind_service"\n'
      : ""
  }supervise_daemon_args="--no-new-privs --umask 077"
output_log=${shellWord(log)}
error_log=${shellWord(log)}
respawn_delay=5
respawn_max=0
retry="TERM/${stopSeconds}/KILL/5"
extra_started_commands="reload"

export XDG_STATE_HOME=${shellWord(state)}
${tokenFile === undefined ? "" : `export CONNECTOR_TOKEN_FILE=${shellWord(tokenFile)}\n`}
if [ -r ${shellWord(file)} ]; then
	set -a
	. ${shellWord(file)}
	set +a
fi

depend() {
	need net
	use dns
	after firewall
}

start_pre() {
	checkpath --directory --mode 0755 ${shellWord(parentOf(state))}
	checkpath --directory --mode 0700 --owner ${shellWord(user)} ${shellWord(state)}
	checkpath --file --mode 0640 --owner ${shellWord(user)} ${shellWord(log)}
}

reload() {
	ebegin "Reloading $name"
	supervise-daemon "$RC_SVCNAME" --signal HUP
	eend $?
}
`;
}

function stateFolder(name: string): string {
  return `/var/lib/hookferry/${name}`;
}

function parentOf(folder: string): string {
  return folder.slice(0, folder.lastIndexOf("/"));
}
