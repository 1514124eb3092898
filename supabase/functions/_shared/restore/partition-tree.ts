/** Which partition belongs to which table, by the DDL: a manifest knows the rows and the root, not the levels between. Pure. */
import { qualifiedName } from '../postgres/identifiers.ts';
import type { DumpEntry } from './contracts.ts';
import { nameAfter } from './entry-subject.ts';
import { codeTokens } from './sql-lexer.ts';

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

export interface PartitionTree {
  /** The partitioned tables that it is a part of, the nearest first. */
  above(table: TableName): TableName[];
  /** Its partitions and theirs, at every level. */
  below(table: TableName): TableName[];
}

export function partitionTree(preData: readonly DumpEntry[]): PartitionTree {
  const parents = new Map<string, TableName>();
  const children = new Map<string, TableName[]>();
  for (const { type, sql } of preData) {
    if (type !== 'TABLE ATTACH') continue;
    const tokens = codeTokens(sql);
    const [schema, name] = nameAfter(tokens, ['PARTITION']);
    const [parentSchema, parentName] = nameAfter(tokens, ['TABLE']);
    const child = { schema: schema!, name: name! };
    const parent = { schema: parentSchema!, name: parentName! };
    parents.set(qualifiedName(child), parent);
    const siblings = children.get(qualifiedName(parent));
    if (siblings) siblings.push(child);
    else children.set(qualifiedName(parent), [child]);
  }
  const below = (table: TableName): TableName[] =>
    (children.get(qualifiedName(table)) ?? []).flatMap((child) => [child, ...below(child)]);
  return {
    below,
    above(table) {
      const found: TableName[] = [];
      for (let parent = parents.get(qualifiedName(table)); parent; parent = parents.get(qualifiedName(parent)))
        found.push(parent);
      return found;
    },
  };
}
