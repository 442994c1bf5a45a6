import { commandWords, type Instance, madeBy, serviceName } from "./instance.ts";
import type { Command, Manager } from "./manager.ts";

/** A property list for each instance, a daemon of the system (launchd.plist(5)). */
export const launchd: Manager = {
  folder: "/Library/LaunchDaemons",
  ending: ".plist",
  mode: 0o644,
  makesUsers: false,
  hidden: [],
  confines: false,
  text: propertyList,
  unload: stop,
  start: ({ name, user = "root" }) => [
    ["install", "-d", "-o", user, "-m", "700", stateFolder(name)],
    ["launchctl", "bootstrap", "system", `/Library/LaunchDaemons/${serviceName(name)}.plist`],
  ],
  stop,
  forget: () => [],
  isRunning: (service) => ["launchctl", "print", `system/${service}`],
  stateFolder,
};

function propertyList(instance: Instance): string {
  const { name, program, user = "root", tokenFile, stopSeconds } = instance;
  const state = stateFolder(name);
  const words = [program, ...commandWords(instance)];
  const variables = {
    XDG_STATE_HOME: state,
    ...(tokenFile !== undefined && { CONNECTOR_TOKEN_FILE: tokenFile }),
  };
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- ${madeBy}. -->
<plist version="1.0">
<dict>
  <key>Label</key>
  ${text(serviceName(name))}
  <key>ProgramArguments</key>
  <array>
${words.map((each) => `    ${text(each)}`).join("\n")}
  </array>
  <key>EnvironmentVariables</key>
  <dict>
${
    Object.entries(variables)
      .map(([key, value]) => `    <key>${key}</key>\n    ${text(value)}`).join("\n")
  }
  </dict>
  <key>UserName</key>
  ${text(user)}
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>5</integer>
  <key>ExitTimeOut</key>
  <integer>${stopSeconds}</integer>
  <key>Umask</key>
  <integer>63</integer>
  <key>StandardOutPath</key>
  ${text(`${state}/log`)}
  <key>StandardErrorPath</key>
  ${text(`${state}/log`)}
</dict>
</plist>
`;
}

function stop(service: string): readonly Command[] {
  return [["launchctl", "bootout", `system/${service}`]];
}

function stateFolder(name: string): string {
  return `/usr/local/var/hookferry/${name}`;
}

function text(value: string): string {
  return `<string>${
    value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
  }</string>`;
}
