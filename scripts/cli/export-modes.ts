import type { Scope } from '../../supabase/functions/_shared/domain/backup-request.ts';

export interface ExportMode {
  readonly scope: Scope;
  readonly cadence: string;
  /** How the report begins: `✅ Emergency backup completed`. */
  readonly title: string;
  readonly help: string;
}

export const EXPORT_MODES = {
  weekly: { scope: 'critical', cadence: 'weekly', title: 'Weekly', help: 'the critical tables' },
  monthly: { scope: 'full', cadence: 'monthly', title: 'Monthly', help: 'the whole database' },
  full: { scope: 'full', cadence: 'manual', title: 'Full', help: 'the whole database, kept as a manual backup' },
  emergency: { scope: 'full', cadence: 'emergency', title: 'Emergency', help: 'the whole database, at once' },
  'pre-deployment': {
    scope: 'full',
    cadence: 'pre-deployment',
    title: 'Pre-deployment',
    help: 'the whole database, before a change; needs --label',
  },
  'on-demand': { scope: 'tables', cadence: 'on-demand', title: 'On-demand', help: 'the tables named by --tables' },
} as const satisfies Record<string, ExportMode>;

export type ExportModeName = keyof typeof EXPORT_MODES;

export function isExportMode(text: string): text is ExportModeName {
  return Object.hasOwn(EXPORT_MODES, text);
}
