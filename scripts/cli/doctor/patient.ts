import type { Sql } from 'postgres';
import type { Environment } from '../../../supabase/functions/_shared/config.ts';
import type { Finding } from './finding.ts';

/** What an examination may look at. */
export interface Patient {
  readonly environment: Environment;
  /** Null where the database does not answer or no URL was given. */
  readonly sql: Sql | null;
  /** Whether the schema `backup` is there at all: without it most questions to the database have no answer. */
  readonly installed: boolean;
  /** Where the functions answer, `https://…/functions/v1`; null where neither the database nor SUPABASE_URL says. */
  readonly functionsUrl: string | null;
}

export interface Examination {
  /** One word, as `--only` takes it. */
  readonly name: string;
  readonly title: string;
  readonly needs: 'nothing' | 'database' | 'installation';
  examine(patient: Patient): Promise<Finding[]>;
}
