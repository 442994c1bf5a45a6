import { madeBy } from "../../src/cli/service/instance.ts";

/**
 * Goes through the units that `hookferry service install` made for the program of this package: another one may stand
 * in /usr/local/bin. Where /bin is /usr/bin it has two names.
 */
const eachUnit = (body: string) =>
  `for unit in /etc/systemd/system/hookferry-*.service; do
  grep -qs ${JSON.stringify(madeBy)} "$unit" || continue
  grep -Eqs '^ExecStart=(/usr)?/bin/hookferry ' "$unit" || continue
${body}done
`;

/** What dpkg runs, by name. */
export const debScripts: Readonly<Record<string, string>> = {
  postinst: `#!/bin/sh
set -e
# After an upgrade the services are to run what is new; a first time there are none.
[ "$1" = configure ] && [ -n "$2" ] && [ -d /run/systemd/system ] || exit 0
${eachUnit('  deb-systemd-invoke try-restart "${unit##*/}" || true\n')}`,
  prerm: `#!/bin/sh
set -e
# A service cannot go on without its program.
[ "$1" = remove ] || exit 0
${
    eachUnit(`  name=\${unit##*/hookferry-}
  hookferry service uninstall --manager systemd --name "\${name%.service}"
`)
  }`,
  postrm: `#!/bin/sh
set -e
[ "$1" = purge ] || exit 0
# A relay's senders were told 202, and nobody else has what they sent.
states='/var/lib/hookferry /var/lib/private/hookferry'
if [ -n "$(find $states -name '*.db' 2>/dev/null)" ]; then
  echo "hookferry: kept, for webhooks in it may be undelivered; to delete it: rm -r $states" >&2
else
  rm -rf $states
fi
`,
};
