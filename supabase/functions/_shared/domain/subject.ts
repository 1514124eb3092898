/** A person whose data is asked for: what tables can name them by. */
export interface Subject {
  /** Of auth.users; a uuid in any case. */
  readonly id: string;
  readonly email: string | null;
  /** As auth.users has it, without the leading `+`. */
  readonly phone: string | null;
}

/** Several people at once; what names any of them. */
export interface Subjects {
  readonly ids: readonly string[];
  readonly emails: readonly string[];
  readonly phones: readonly string[];
}

export function subjectsOf(...people: readonly Subject[]): Subjects {
  const texts = (all: readonly (string | null)[]) => [...new Set(all.filter((text): text is string => !!text))];
  return {
    ids: texts(people.map(({ id }) => id)),
    emails: texts(people.map(({ email }) => email)),
    phones: texts(people.map(({ phone }) => phone)),
  };
}
