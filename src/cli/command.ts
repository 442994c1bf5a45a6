/** What main.ts runs by its name. */
export interface Command {
  /** Its first line is `hookferry NAME: ` and what it is for; the other commands that tell of all read them from here. */
  readonly help: string;
  /** Resolves with the exit code. */
  readonly run: (args: readonly string[]) => Promise<number> | number;
}
