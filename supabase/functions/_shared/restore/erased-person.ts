/** Who an entry of the erasure ledger is in a restored database. Pure. */
import { type ErasureEntry, markOf } from '../domain/erasure-entry.ts';
import type { Subjects } from '../domain/subject.ts';
import type { FoundMarks } from './find-erased.ts';

export interface ErasedPerson {
  /** What names them; all empty when nothing does. */
  readonly subjects: Subjects;
  /** What may be theirs or somebody else's, in words for people. */
  readonly unclear: readonly string[];
}

/**
 * An id is never given twice. An address and a number are: after the erasure somebody else may have them, and before it
 * somebody else may have had them. So they count only in a backup of before the erasure (or one that still has the id),
 * and never when another account has them. An account that is there names what the person had when the backup was made.
 */
export function erasedPerson(
  { subject, erased_at: erasedAt }: ErasureEntry,
  { texts, accounts }: FoundMarks,
  { takenAt }: { takenAt: string },
): ErasedPerson {
  const id = texts.id.get(subject.id) ?? null;
  const own = id === null ? undefined : accounts.find((account) => account.id === id);
  const unclear: string[] = [];
  const found = { email: own?.email ? [own.email] : [], phone: own?.phone ? [own.phone] : [] };
  for (const mark of ['email', 'phone'] as const) {
    const hash = subject[mark];
    const text = hash === null ? undefined : texts[mark].get(hash);
    if (hash === null || text === undefined || found[mark].includes(text)) continue;
    const others = accounts.some((account) => account.id !== id && isMark(account[mark], mark, hash));
    const older = Date.parse(takenAt) < Date.parse(erasedAt);
    if (others && (older || id !== null))
      unclear.push(
        `rows with the ${mark === 'email' ? 'e-mail address' : 'phone number'} of the erased person stay, because another account has it now`,
      );
    else if (!others && (older || id !== null)) found[mark].push(text);
  }
  return { subjects: { ids: id === null ? [] : [id], emails: found.email, phones: found.phone }, unclear };
}

function isMark(text: string | null, mark: 'email' | 'phone', hash: string): boolean {
  return text !== null && markOf(mark, text) === hash;
}
