/** What the doctor says of one thing that it looked at. */
export interface Finding {
  /** A short name, unique within its group: `cron job holdfast-tick`. */
  readonly name: string;
  /** `skipped`: it could not be looked at, and the message says why; it is neither well nor ill. */
  readonly state: 'ok' | 'warning' | 'problem' | 'skipped';
  readonly message: string;
  /** The command or statement that mends it; null where all is well. */
  readonly mend: string | null;
}

export const ok = (name: string, message: string): Finding => ({ name, state: 'ok', message, mend: null });

export const skipped = (name: string, message: string, mend: string | null = null): Finding => ({
  name,
  state: 'skipped',
  message,
  mend,
});

export const warning = (name: string, message: string, mend: string): Finding => ({
  name,
  state: 'warning',
  message,
  mend,
});

export const problem = (name: string, message: string, mend: string): Finding => ({
  name,
  state: 'problem',
  message,
  mend,
});
