/**
 * Which rows an erasure is about, noted by their keys in temporary tables of one transaction before anything is changed:
 * the person's own, and those of others that foreign keys would delete with them.
 */
import type { ErasedTable } from '../domain/erasure-entry.ts';
import type { Subjects } from '../domain/subject.ts';
import { type EraseCatalog, type ForeignKey, nameOf, type TableRef } from './erase-catalog.ts';
import { quoteIdentifier } from './identifiers.ts';
import { subjectsFilter } from './subject-filter.ts';
import type { TextQuery } from './text-query.ts';

/** A foreign key that does something, or stands in the way. */
export interface KeyEffect {
  readonly key: ForeignKey;
  readonly effect: 'delete' | 'set null' | 'set default' | 'blocks';
  readonly rows: number;
  /** Why it stands in the way; '' otherwise. */
  readonly because: string;
}

interface RowSet {
  readonly table: TableRef;
  /** Of the temporary table, quoted. */
  readonly name: string;
  /** Expressions over the alias that make a row's key. */
  keyOf(alias: string): string[];
}

export class EraseSets {
  readonly #query: TextQuery;
  readonly #catalog: EraseCatalog;
  readonly #own = new Map<string, RowSet>();
  readonly #doomed = new Map<string, RowSet>();
  readonly #anonymised = new Map<string, ErasedTable>();
  readonly #lock: boolean;
  #made = 0;

  /** `lock`: rows that are noted cannot change before the end of the transaction; not for those who only look. */
  constructor(query: TextQuery, catalog: EraseCatalog, { lock }: { lock: boolean }) {
    this.#query = query;
    this.#lock = lock;
    this.#catalog = catalog;
  }

  /** Notes the person's rows of a table, locked; returns how many. Throws what the query throws. */
  async mark(table: ErasedTable, subjects: Subjects): Promise<number> {
    const set = this.#newSet(table);
    const columns = set.keyOf('t').map((key, at) => `${key} as k${at}`);
    await this.#query(
      `create temporary table ${set.name} on commit drop as select ${columns.join(', ')} from ${nameOf(table)} as t
       where ${subjectsFilter(table.paths, 't', subjects)}${this.#lock ? ' for update of t' : ''}`,
    );
    await this.#query(`analyze ${set.name}`);
    this.#own.set(nameOf(table), set);
    if (table.action === 'delete') this.#doomed.set(nameOf(table), set);
    if (table.action === 'anonymise') this.#anonymised.set(nameOf(table), table);
    return await this.#count(`select count(*) from ${set.name}`);
  }

  /** A condition over the alias: is the row one of the person's own? */
  isOwn(table: TableRef, alias: string): string {
    return isIn(this.#own.get(nameOf(table))!, alias);
  }

  /** The keys of the person's own rows as a JSON list of lists of texts. */
  async ownKeys(table: TableRef): Promise<{ columns: string[]; json: string }> {
    const set = this.#own.get(nameOf(table))!;
    const facts = this.#catalog.find(table);
    const texts = set.keyOf('t').map((_, at) => `s.k${at}::text`);
    const [row] = await this.#query(
      `select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(${texts.join(', ')})), '[]')::text from ${set.name} as s`,
    );
    return { columns: [...(facts?.key ?? [])], json: row![0]! };
  }

  /** What foreign keys do to rows that are not noted yet when those to be deleted go. Changes nothing but the notes. */
  async findEffects(): Promise<KeyEffect[]> {
    const effects = await this.#cascade();
    for (const key of this.#catalog.foreignKeys) {
      if (!this.#doomed.has(nameOf(key.parent)) || key.onDelete === 'cascade') continue;
      const rows = await this.#count(`select count(*) from ${nameOf(key.child)} as c where ${this.#isLeft(key)}`);
      if (rows > 0) effects.push(this.#effectOf(key, rows));
    }
    for (const [name, table] of this.#own) {
      const doomed = this.#doomed.get(name);
      if (doomed === undefined || doomed === table) continue;
      const rows = await this.#count(
        `select count(*) from ${nameOf(table.table)} as c where ${isIn(table, 'c')} and ${isIn(doomed, 'c')}`,
      );
      const key = effects.find((one) => one.effect === 'delete' && nameOf(one.key.child) === name)?.key;
      if (rows > 0 && key)
        effects.push({ key, effect: 'blocks', rows, because: 'it would delete rows that are to stay' });
    }
    return effects;
  }

  /** Rows that go because those that they refer to go, and those that refer to them, to the end. */
  async #cascade(): Promise<KeyEffect[]> {
    const effects = new Map<ForeignKey, number>();
    const open = [...this.#doomed.keys()];
    for (let name = open.shift(); name !== undefined; name = open.shift()) {
      for (const key of this.#catalog.foreignKeys) {
        if (nameOf(key.parent) !== name || key.onDelete !== 'cascade') continue;
        const added = await this.#doom(key);
        if (added === 0) continue;
        effects.set(key, (effects.get(key) ?? 0) + added);
        open.push(nameOf(key.child));
      }
    }
    return [...effects].map(([key, rows]) => ({ key, effect: 'delete', rows, because: '' }));
  }

  async #doom(key: ForeignKey): Promise<number> {
    const found = await this.#count(`select count(*) from ${nameOf(key.child)} as c where ${this.#isLeft(key)}`);
    if (found === 0) return 0;
    const left = this.#isLeft(key);
    let set = this.#doomed.get(nameOf(key.child));
    const fresh = set === undefined;
    set ??= this.#newSet(key.child);
    const columns = set.keyOf('c').map((one, at) => `${one} as k${at}`);
    const select = `select ${columns.join(', ')} from ${nameOf(key.child)} as c where ${left}`;
    await this.#query(
      fresh ? `create temporary table ${set.name} on commit drop as ${select}` : `insert into ${set.name} ${select}`,
    );
    this.#doomed.set(nameOf(key.child), set);
    return found;
  }

  /** Rows of `c` that refer to rows to be deleted and are not to be deleted themselves, nor unlinked by being anonymised. */
  #isLeft(key: ForeignKey): string {
    const parent = this.#doomed.get(nameOf(key.parent))!;
    const join = key.childColumns.map(
      (column, at) => `c.${quoteIdentifier(column)} = p.${quoteIdentifier(key.parentColumns[at]!)}`,
    );
    const refers = `exists (select from ${nameOf(key.parent)} as p where ${join.join(' and ')} and ${isIn(parent, 'p')})`;
    const doomed = this.#doomed.get(nameOf(key.child));
    const conditions = [refers, ...(doomed ? [`not ${isIn(doomed, 'c')}`] : [])];
    const anonymised = this.#anonymised.get(nameOf(key.child));
    const unlinks = anonymised?.columns.some(
      ({ column, write }) => write === 'null' && key.childColumns.includes(column),
    );
    if (anonymised && unlinks) conditions.push(`not ${isIn(this.#own.get(nameOf(anonymised))!, 'c')}`);
    return conditions.join(' and ');
  }

  #effectOf(key: ForeignKey, rows: number): KeyEffect {
    if (key.onDelete === 'no action' || key.onDelete === 'restrict')
      return { key, effect: 'blocks', rows, because: `it is on delete ${key.onDelete}` };
    const facts = this.#catalog.find(key.child);
    const fixed = key.childColumns.filter((column) => facts?.columns[column]?.notNull !== false);
    if (key.onDelete === 'set null' && fixed.length > 0)
      return { key, effect: 'blocks', rows, because: `it sets ${fixed.join(', ')} to null, which must not be null` };
    return { key, effect: key.onDelete as 'set null' | 'set default', rows, because: '' };
  }

  #newSet({ schema, table }: TableRef): RowSet {
    this.#made += 1;
    const key = this.#catalog.find({ schema, table })?.key ?? [];
    return {
      table: { schema, table },
      name: `pg_temp.${quoteIdentifier(`holdfast_set_${this.#made}`)}`,
      // Where there is no key a row is where it is: it is locked, and acted upon before anything could move it.
      keyOf: (alias) =>
        key.length > 0
          ? key.map((column) => `${alias}.${quoteIdentifier(column)}`)
          : [`${alias}.tableoid`, `${alias}.ctid`],
    };
  }

  async #count(sql: string): Promise<number> {
    const [row] = await this.#query(sql.replace('count(*)', 'count(*)::text'));
    return Number(row![0]);
  }
}

function isIn(set: RowSet, alias: string): string {
  const keys = set.keyOf(alias);
  return `exists (select from ${set.name} as s where ${keys.map((key, at) => `s.k${at} = ${key}`).join(' and ')})`;
}
