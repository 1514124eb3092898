/** Every check of a restored database, in the order in which they run and are reported. */
import type { Check } from '../contracts.ts';
import { constraintsCheck } from './constraints.ts';
import { contentCheck } from './content.ts';
import { foreignKeysCheck } from './foreign-keys.ts';
import { functionsCheck } from './functions.ts';
import { generatedColumnsCheck } from './generated-columns.ts';
import { indexesCheck } from './indexes.ts';
import { ownerChecksCheck } from './owner-checks.ts';
import { rowCountsCheck } from './row-counts.ts';
import { rowSecurityCheck } from './row-security.ts';
import { sequencesCheck } from './sequences.ts';
import { storageFilesCheck } from './storage-files.ts';

export const ALL_CHECKS: readonly Check[] = [
  rowCountsCheck,
  contentCheck,
  foreignKeysCheck,
  sequencesCheck,
  indexesCheck,
  constraintsCheck,
  generatedColumnsCheck,
  functionsCheck,
  rowSecurityCheck,
  storageFilesCheck,
  ownerChecksCheck,
];
