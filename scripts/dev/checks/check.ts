/** What every check is: a name for `--only`, and findings that say where and which rule. */
export interface Finding {
  /** Relative to the repository; empty when it is about no one file. */
  readonly file: string;
  readonly line?: number;
  /** States the rule and what was seen. */
  readonly message: string;
}

export interface CheckResult {
  /** None: the check holds. */
  readonly problems: Finding[];
  /** Worth a look, and no failure. */
  readonly notes?: Finding[];
}

export interface Check {
  readonly name: string;
  readonly title: string;
  /** `root`: the repository, absolute. Throws only when the check itself cannot be carried out. */
  run(root: string): Promise<CheckResult>;
}

export function formatFinding({ file, line, message }: Finding): string {
  const place = file === '' ? '' : `${file}${line === undefined ? '' : `:${line}`}: `;
  return `${place}${message}`;
}
