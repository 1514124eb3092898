/** What somebody asks for: the body of POST /backup-trigger, stored as `backup_log.request`, and what the scripts build from options. */
import type { CodecName, FormatName } from './formats.ts';

export const SCOPES = ['full', 'critical', 'tables'] as const;
export type Scope = (typeof SCOPES)[number];

export const FILTER_OPERATORS = ['=', '<>', '<', '<=', '>', '>='] as const;
export type FilterOperator = (typeof FILTER_OPERATORS)[number];

/** One condition on one table; several on the same table are joined with AND. Never SQL text: the value is always quoted. */
export interface RowFilter {
  /** `schema.table`, or `table` in schema public. */
  readonly table: string;
  readonly column: string;
  readonly operator: FilterOperator;
  readonly value: string;
}

export interface BackupRequest {
  readonly scope: Scope;
  readonly cadence: string;
  readonly reason?: string;
  readonly label?: string;
  /** With scope `tables`: `schema.table`, or `table` in schema public. */
  readonly tables?: readonly string[];
  readonly where?: readonly RowFilter[];
  readonly format?: FormatName;
  readonly codec?: CodecName;
}
