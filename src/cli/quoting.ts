/** One word of a POSIX shell, taken as it is. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** One word of PowerShell, taken as it is. */
export function powershellWord(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
