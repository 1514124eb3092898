import type { SubjectColumnRule, SubjectPath } from '../../domain/subject-types.ts';

export interface ColumnProposal extends Pick<SubjectColumnRule, 'column' | 'rule' | 'unlessOwn'> {
  readonly reason: string;
}

export interface SubjectProposal {
  readonly schema: string;
  readonly table: string;
  readonly category: string;
  readonly paths: readonly SubjectPath[];
  /** high: foreign keys or policies say it. medium: a name, or a reference that need not mean ownership. */
  readonly confidence: 'high' | 'medium';
  readonly reasons: readonly string[];
  /** Ways that exist too but were not taken. */
  readonly otherPaths: readonly SubjectPath[];
  readonly columns: readonly ColumnProposal[];
}

export interface UndecidedTable {
  readonly schema: string;
  readonly table: string;
  readonly why: string;
  /** What the owner may choose from. */
  readonly candidates: readonly SubjectPath[];
}
