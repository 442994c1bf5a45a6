import { powershellWord, shellWord } from "./quoting.ts";
import type { CommandLine, Flag } from "./command_lines.ts";

/** A completion script for each shell, from the commands and their flags. */
export const completionScripts: Readonly<
  Record<string, (commands: readonly CommandLine[]) => string>
> = { bash, zsh, fish, powershell };

const dashed = ({ name }: Flag) => `--${name}`;
const names = (commands: readonly CommandLine[]) => commands.map(({ name }) => name).join(" ");

/** What is not listed (files, values that nobody can guess) is left to bash. */
function bash(commands: readonly CommandLine[]): string {
  const values = commands.flatMap(({ name, flags }) =>
    flags.filter(({ value, choices }) => value !== undefined || choices.length > 0).map((flag) =>
      `    '${name} ${dashed(flag)}') words='${flag.choices.join(" ")}' ;;\n`
    )
  );
  const rest = commands.map(({ name, words, flags }) =>
    `      ${name}) words='${[...words, ...flags.map(dashed)].join(" ")}' ;;\n`
  );
  return `# bash completion for hookferry, made by: hookferry completions bash
_hookferry() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]}
  local command=\${COMP_WORDS[1]} words=''
  [[ $command != -* ]] || command=connect
  ((COMP_CWORD > 1)) || [[ $cur == -* ]] || command=''
  case "$command $prev" in
${values.join("")}    *) case $command in
      '') words='${names(commands)}' ;;
${rest.join("")}    esac ;;
  esac
  # shellcheck disable=SC2207
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _hookferry hookferry
`;
}

function zsh(commands: readonly CommandLine[]): string {
  const listed = commands.map(({ name, summary }) =>
    `    ${shellWord(`${name}:${summary.replaceAll(":", "\\:")}`)}\n`
  );
  const cases = commands.map(({ name, words, flags }) => {
    const first = words.length > 0 ? [`'1:what:(${words.join(" ")})'`] : [];
    return `    ${name}) _arguments ${
      [...first, ...flags.map(zshFlag), "'*:file:_files'"].join(" ")
    } ;;\n`;
  });
  return `#compdef hookferry
# zsh completion for hookferry, made by: hookferry completions zsh
_hookferry() {
  local command=$words[2]
  local -a commands=(
${listed.join("")}  )
  if (( CURRENT == 2 )) && [[ $command != -* ]]; then
    _describe command commands
    return
  fi
  if [[ $command == -* ]]; then
    command=connect
  else
    shift words
    (( CURRENT-- ))
  fi
  case $command in
${cases.join("")}  esac
}
if [[ $funcstack[1] == _hookferry ]]; then
  _hookferry "$@"
else
  compdef _hookferry hookferry
fi
`;
}

function zshFlag({ name, value, choices, help }: Flag): string {
  const told = help.replaceAll(/[\\[\]:]/g, "\\$&");
  const values = choices.length > 0 ? `(${choices.join(" ")})` : value === "FILE" ? "_files" : "";
  const takes = value === undefined ? "" : `:${value.replaceAll(":", "\\:")}:${values}`;
  return shellWord(`--${name}[${told}]${takes}`);
}

function fish(commands: readonly CommandLine[]): string {
  const lines = commands.flatMap(({ name, summary, words, flags }) => {
    const seen = `__fish_seen_subcommand_from ${name}`;
    const first = `${seen}; and not __fish_seen_subcommand_from ${words.join(" ")}`;
    return [
      `-n __fish_use_subcommand -a ${name} -d ${fishQuoted(summary)}`,
      ...(words.length > 0 ? [`-n ${fishQuoted(first)} -a ${fishQuoted(words.join(" "))}`] : []),
      ...flags.map((flag) => `-n ${fishQuoted(seen)} ${fishFlag(flag)}`),
    ];
  });
  return `# fish completion for hookferry, made by: hookferry completions fish
complete -c hookferry -f
${lines.map((line) => `complete -c hookferry ${line}\n`).join("")}`;
}

const fishQuoted = (text: string) => `'${text.replaceAll(/[\\']/g, "\\$&")}'`;

function fishFlag({ name, value, choices, help }: Flag): string {
  const takes = choices.length > 0
    ? ` -x -a ${fishQuoted(choices.join(" "))}`
    : value === "FILE" || value === "DIR"
    ? " -r -F"
    : value === undefined
    ? ""
    : " -x";
  return `-l ${name}${takes}${help === "" ? "" : ` -d ${fishQuoted(help)}`}`;
}

/** What is not listed is left to PowerShell, which completes files. */
function powershell(commands: readonly CommandLine[]): string {
  const pairs = (of: readonly (readonly [string, string])[]) =>
    of.map(([word, help]) => `      @(${powershellWord(word)}, ${powershellWord(help || word)})\n`)
      .join("");
  const rest = commands.map(({ name, words, flags }) => {
    const all = [
      ...words.map((word) => [word, ""] as const),
      ...flags.map((flag) => [dashed(flag), flag.help] as const),
    ];
    return `    '${name}' = @(\n${pairs(all)}    )\n`;
  });
  const values = commands.flatMap(({ name, flags }) =>
    flags.filter(({ value }) => value !== undefined).map((flag) =>
      `    '${name} ${dashed(flag)}' = @(${flag.choices.map(powershellWord).join(", ")})\n`
    )
  );
  return `# PowerShell completion for hookferry, made by: hookferry completions powershell
Register-ArgumentCompleter -Native -CommandName hookferry -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $rest = @{
    '' = @(
${pairs(commands.map(({ name, summary }) => [name, summary] as const))}    )
${rest.join("")}  }
  $values = @{
${values.join("")}  }
  $before = @($commandAst.CommandElements |
    Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { "$_" })
  $command = if ($before.Count -gt 1) { $before[1] } else { '' }
  if ($command -like '-*' -or ($command -eq '' -and $wordToComplete -like '-*')) { $command = 'connect' }
  $value = "$command $($before[-1])"
  $found = if ($values.ContainsKey($value)) { $values[$value] | ForEach-Object { , @($_, $_) } } else { $rest[$command] }
  $found | Where-Object { $_ -and $_[0] -like "$wordToComplete*" } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_[0], $_[0], 'ParameterValue', $_[1])
  }
}
`;
}
