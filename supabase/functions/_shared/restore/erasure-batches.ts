/** Which people of the erasure ledger are in the target, and which of them can be erased by the same statements. */
import type { ErasedTable, ErasureEntry } from '../domain/erasure-entry.ts';
import type { Subjects } from '../domain/subject.ts';
import type { TextQuery } from '../postgres/text-query.ts';
import { type ErasedPerson, erasedPerson } from './erased-person.ts';
import { type ReplayScope, type TargetedActions, targetActions } from './erasure-targets.ts';
import { fileOwners } from './file-owners.ts';
import { findErased } from './find-erased.ts';

export interface ErasureBatch {
  readonly people: readonly { readonly entry: ErasureEntry; readonly subjects: Subjects }[];
  /** Of all of them. */
  readonly subjects: Subjects;
  readonly actions: readonly ErasedTable[];
  readonly folderBuckets: readonly string[];
}

/** Up to this many people are erased one by one, so that the report has the rows of each. */
const ONE_BY_ONE = 20;
const PEOPLE = 250;

/** Throws what the query throws. */
export async function batchesOf(
  query: TextQuery,
  { entries, scope, takenAt }: { entries: readonly ErasureEntry[]; scope: ReplayScope; takenAt: string },
): Promise<{ batches: ErasureBatch[]; unclear: string[] }> {
  const targets = new Map<string, TargetedActions>();
  // Most entries of a project say the same about its tables, but for the day until which rows are kept.
  const targeted = entries.map((entry) => {
    const found = targetActions(entry.actions, scope);
    const key = groupKey(entry, found.actions);
    if (!targets.has(key)) targets.set(key, found);
    return { entry, key };
  });
  const actions = [...targets.values()].flatMap((one) => one.actions);
  const hasUsers = scope.catalog.find({ schema: 'auth', table: 'users' }) !== undefined;
  // Of a person whose account and rows were gone there may be files alone.
  const folderBuckets = [...new Set(entries.flatMap(({ files }) => files.folderBuckets))];
  const owners = fileOwners({ ...scope, folderBuckets });
  const found = await findErased(query, { entries, actions, owners, hasUsers });
  const groups = new Map<string, { entry: ErasureEntry; person: ErasedPerson }[]>();
  const unclear = new Set([...targets.values()].flatMap((one) => one.unclear));
  let people = 0;
  for (const { entry, key } of targeted) {
    const person = erasedPerson(entry, found, { takenAt });
    for (const text of person.unclear) unclear.add(`erasure ${entry.erasure_id}: ${text}`);
    const { ids, emails, phones } = person.subjects;
    if (ids.length + emails.length + phones.length === 0) continue;
    people += 1;
    const group = groups.get(key);
    if (group) group.push({ entry, person });
    else groups.set(key, [{ entry, person }]);
  }
  const size = people <= ONE_BY_ONE ? 1 : PEOPLE;
  const batches: ErasureBatch[] = [];
  for (const [key, group] of groups) {
    for (let at = 0; at < group.length; at += size)
      batches.push(batchOf(group.slice(at, at + size), targets.get(key)!.actions));
  }
  return { batches, unclear: [...unclear] };
}

function batchOf(group: readonly { entry: ErasureEntry; person: ErasedPerson }[], actions: readonly ErasedTable[]) {
  const people = group.map(({ entry, person }) => ({ entry, subjects: person.subjects }));
  const all = (kind: keyof Subjects) => [...new Set(people.flatMap(({ subjects }) => subjects[kind]))];
  const subjects = { ids: all('ids'), emails: all('emails'), phones: all('phones') };
  return { people, subjects, actions, folderBuckets: people[0]!.entry.files.folderBuckets };
}

/** Hashes are salted by the erasure, and a key of several columns must name one person: those are for one at a time. */
function groupKey(entry: ErasureEntry, actions: readonly ErasedTable[]): string {
  const alone = actions.some(
    ({ columns, paths }) =>
      columns.some(({ write }) => write === 'hash') || paths.some((path) => path.at(-1)!.columns.length > 1),
  );
  const what = actions.map(({ keep, ...rest }) => rest);
  return JSON.stringify([what, entry.files.folderBuckets, alone ? entry.erasure_id : null]);
}
