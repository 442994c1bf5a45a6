import process from "node:process";
import { accepted } from "../config/option_value.ts";
import { envName, flagName, type Option, options } from "../config/options.ts";
import type { Command } from "./command.ts";
import { commandLines, type Helps } from "./command_lines.ts";
import { exitCode } from "./exit_code.ts";
import { parseFlags } from "./flags.ts";
import { version } from "./version.ts";

const manHelp = `hookferry man: the manual page, for man.

  hookferry man > hookferry.1 && man ./hookferry.1
`;

/** Prints the manual page. */
export function man(helps: () => Promise<Helps>): Command {
  return {
    help: manHelp,
    async run(args) {
      parseFlags(args, {});
      process.stdout.write(manPage(await helps()));
      return exitCode.ok;
    },
  };
}

/** The page in roff: every command with its help, every setting. */
export function manPage(helps: Helps): string {
  const commands = commandLines(helps).flatMap(({ name, summary }) => [
    `.SS hookferry ${escaped(name)}`,
    ...text(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`),
    ".PP",
    ".EX",
    ...text(
      (helps[name]?.help ?? "").split("\n\n").slice(1).join("\n\n").trimEnd().replaceAll(
        /^ {2}/gm,
        "",
      ),
    ),
    ".EE",
  ]);
  return [
    `.TH HOOKFERRY 1 "" "hookferry ${version}"`,
    ".ad l",
    ".SH NAME",
    "hookferry \\- webhooks across a firewall",
    ".SH SYNOPSIS",
    ".B hookferry",
    "[\\fICOMMAND\\fR] [\\fIFLAG\\fR]...",
    ".SH DESCRIPTION",
    ...text(
      "A connector inside a network dials out to a relay, receives the webhooks that were posted there, " +
        "and delivers each to a local HTTP target. It retries, recognises redeliveries, and acknowledges " +
        "only what was delivered. The same program runs the relay. Without a command it is the connector.",
    ),
    ".SH COMMANDS",
    ...commands,
    ".SH SETTINGS",
    ...text(
      "Keys of the file of hookferry connect, with their variable and flag. Times are seconds.",
    ),
    ...options.flatMap(setting),
    ".SH FILES",
    ...term("connector.json, connector.jsonc, connector.yaml, connector.yml"),
    ...text("in the current folder, in ~/.config/hookferry or in /etc/hookferry: the settings"),
    ...term("~/.local/state/hookferry"),
    ...text("messages of the relay, journal of the connector"),
    "",
  ].join("\n");
}

function setting(option: Option): string[] {
  const flag = option.flag === false ? "" : `, --${flagName(option)}`;
  const fallback = option.default === undefined ? "" : ` Default: ${option.default}.`;
  return [
    ...term(`${option.key}, ${envName(option)}${flag}`),
    ...text(`${option.help} (${accepted(option.kind).replaceAll("`", "")}).${fallback}`),
  ];
}

const term = (words: string) => [".TP", `.B ${escaped(words)}`];
const text = (lines: string) => lines.split("\n").map((line) => escaped(line) || "\\&");

/** Nothing of it is a request, an escape or a hyphen to roff. */
function escaped(line: string): string {
  const ascii = line.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("…", "...");
  return /^[.']/.test(ascii) ? `\\&${ascii}` : ascii;
}
