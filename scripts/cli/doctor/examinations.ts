import { access } from './examine-access.ts';
import { alerts } from './examine-alerts.ts';
import { clock } from './examine-clock.ts';
import { configuration } from './examine-configuration.ts';
import { database } from './examine-database.ts';
import { functions } from './examine-functions.ts';
import { keys } from './examine-keys.ts';
import { migrations } from './examine-migrations.ts';
import { schedule } from './examine-schedule.ts';
import { slots } from './examine-slots.ts';
import { store } from './examine-store.ts';
import { subjects } from './examine-subjects.ts';
import type { Examination } from './patient.ts';

/** In the order in which what is wrong is best mended. */
export const EXAMINATIONS: readonly Examination[] = [
  configuration,
  keys,
  store,
  database,
  migrations,
  access,
  schedule,
  slots,
  functions,
  alerts,
  clock,
  subjects,
];
