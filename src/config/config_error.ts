/** Everything that is wrong with the configuration, at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];
  /** What was read, or tried: a change of these may mend it. */
  readonly files: readonly string[];

  constructor(problems: readonly string[], files: readonly string[] = []) {
    super(`the configuration is not valid:\n${problems.map((one) => `  - ${one}`).join("\n")}`);
    this.problems = problems;
    this.files = files;
  }
}

/** Takes one line that says what is wrong, beginning with the path of the setting. */
export type Report = (problem: string) => void;
