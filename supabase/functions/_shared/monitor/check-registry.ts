import { backupDuration } from './checks/backup-duration.ts';
import { databaseSize } from './checks/database-size.ts';
import { erasuresInBackups } from './checks/erasures-in-backups.ts';
import { functionsAnswer } from './checks/functions-answer.ts';
import { heartbeatSteps } from './checks/heartbeat-steps.ts';
import { integrity } from './checks/integrity.ts';
import { keyExpiry } from './checks/key-expiry.ts';
import { lastBackup } from './checks/last-backup.ts';
import { ownPermissions } from './checks/own-permissions.ts';
import { pgCronAlive } from './checks/pg-cron-alive.ts';
import { pgNetAlive } from './checks/pg-net-alive.ts';
import { recoveryPoints } from './checks/recovery-points.ts';
import { recoveryTimes } from './checks/recovery-times.ts';
import { restoreCapability } from './checks/restore-capability.ts';
import { sizeGrowth } from './checks/size-growth.ts';
import { storageCapacity } from './checks/storage-capacity.ts';
import { subjectRequests } from './checks/subject-requests.ts';
import { successRate } from './checks/success-rate.ts';
import { tableAnomalies } from './checks/table-anomalies.ts';
import { unmappedTables } from './checks/unmapped-tables.ts';
import type { HealthCheck } from './contracts.ts';

/** All checks, in the order of the report. The cheap ones that say whether anything works at all come first. */
export const CHECKS: readonly HealthCheck[] = [
  pgCronAlive,
  heartbeatSteps,
  pgNetAlive,
  functionsAnswer,
  lastBackup,
  successRate,
  backupDuration,
  integrity,
  tableAnomalies,
  sizeGrowth,
  recoveryPoints,
  restoreCapability,
  recoveryTimes,
  storageCapacity,
  databaseSize,
  keyExpiry,
  ownPermissions,
  unmappedTables,
  subjectRequests,
  erasuresInBackups,
];
