/**
 * A whole backup in one process, with the ledger kept in the archive alone:
 *   1. the store takes and gives, and rows in the clear never go where strangers read;
 *   2. meanwhile one session takes the snapshot and locks the tables, and holds both to the end;
 *   3. the schema and the rows are stored, at the same time;
 *   4. the snapshot was held to the end, so tools, checksums and, last, the manifest make it a backup;
 *   5. what the store now has is compared with the manifest.
 * Whatever fails before the end takes everything stored with it: a half is never left, and never looks like a backup.
 */
import { randomBytes } from 'node:crypto';
import { loadManifestSchema } from '../../archive/read-manifest.ts';
import { newBackupId } from '../../domain/backup-id.ts';
import type { Cadence } from '../../domain/cadence.ts';
import { periodOf } from '../../domain/period.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import type { StoredSegment } from '../../runs/run-row.ts';
import type { BackupMeans } from '../backup-settings.ts';
import { catalogFacts } from '../catalog-facts.ts';
import { checkMeans } from '../check-means.ts';
import { runFolder } from '../run-folder.ts';
import { type Sealed, sealBackup } from '../seal-backup.ts';
import { copyTables } from './copy-tables.ts';
import { dumpSchema } from './dump-schema.ts';
import type { ExportJob, ExportResult } from './export-job.ts';
import { lookForUnfinished } from './look-for-unfinished.ts';
import { openSource, type Source } from './open-source.ts';
import { removeFolder } from './remove-folder.ts';
import { StopScope } from './stop-scope.ts';
import { removeUnfinishedMark, setUnfinishedMark } from './unfinished-mark.ts';
import { verifySealed } from './verify-sealed.ts';
import { writeSqlFile } from './write-sql-file.ts';

interface Identity {
  readonly backupId: string;
  readonly startedAt: Date;
  readonly folder: string;
}

/**
 * Throws EXPORT_INTERRUPTED when `job.signal` aborts before the backup is verified, VERIFICATION_FAILED, STORE_PUBLIC, and what the database and the
 * store throw; then nothing of the export is left, or the error says what is.
 */
export async function exportDatabase(means: BackupMeans, job: ExportJob): Promise<ExportResult> {
  const identity = identify(job);
  const scope = new StopScope(job.signal);
  try {
    scope.throwIfInterrupted();
    const source = await begin(means, job, scope);
    return await makeBackup(means, { job, identity, scope, source });
  } finally {
    await scope.dispose();
  }
}

/** Nothing is stored before both are well; when one is not, the other one has ended too. */
async function begin(means: BackupMeans, job: ExportJob, scope: StopScope): Promise<Source> {
  try {
    const opening = () => openSource(means, job.request, scope);
    const [source] = await scope.all<Source | null>([opening, () => checkMeans(means).then(() => null)]);
    return source!;
  } catch (error) {
    await scope.settle();
    throw error;
  }
}

function identify({ request }: ExportJob): Identity {
  const startedAt = new Date();
  const backupId = newBackupId(request.cadence as Cadence, startedAt, randomBytes(4).toString('hex'));
  const label = request.label ?? null;
  return { backupId, startedAt, folder: runFolder({ backupId, cadence: request.cadence, startedAt, label }) };
}

interface Making {
  readonly job: ExportJob;
  readonly identity: Identity;
  readonly scope: StopScope;
  readonly source: Source;
}

async function makeBackup(means: BackupMeans, making: Making): Promise<ExportResult> {
  // Listing a large store takes a while; it is done beside the work, and whatever comes of it is no matter of the backup's.
  const looking = lookForUnfinished(means.store, { apartFrom: making.identity.folder, signal: making.job.signal });
  const made = await storeBackup(means, making);
  making.job.onEvent?.({ type: 'completed' });
  return resultOf(means, making, { ...made, ...(await looking) });
}

async function storeBackup(means: BackupMeans, making: Making): Promise<Stored> {
  const { job, identity, scope, source } = making;
  try {
    announce(making);
    // What reads the manifest back at the end takes a while to load, too; there a failure is thrown again.
    loadManifestSchema().catch(() => {});
    await setUnfinishedMark(means.store, identity.folder);
    const segments = await storeSegments(means, making);
    await confirmSnapshotHeld(source);
    await scope.closeSession(source.session);
    job.onEvent?.({ type: 'sealing' });
    await removeUnfinishedMark(means.store, identity.folder);
    const sealed = await seal(means, making, segments);
    const verification = await verifySealed(means.store, { job, scope, folder: identity.folder, sealed });
    scope.throwIfInterrupted();
    return { segments, sealed, verification };
  } catch (error) {
    throw await cleanUp(means, making, error);
  }
}

function announce({ job, identity, source }: Making): void {
  const { plans } = source.planned;
  const estimatedBytes = plans.reduce((sum, plan) => sum + plan.estimatedBytes, 0);
  job.onEvent?.({ type: 'planned', folder: identity.folder, tables: plans.length, estimatedBytes });
}

async function storeSegments(means: BackupMeans, { job, identity, scope, source }: Making): Promise<StoredSegment[]> {
  const input = { job, source, scope, folder: identity.folder };
  if (job.format === 'sql') return await scope.all([() => writeSqlFile(means, input)]);
  const [schema, rows] = await scope.all([() => dumpSchema(means, input), () => copyTables(means, input)]);
  return [...schema!, ...rows!];
}

/** Had the session been lost, DDL could have changed tables that were copied after that. */
async function confirmSnapshotHeld({ session }: Source): Promise<void> {
  try {
    await session.query('select 1');
  } catch (cause) {
    throw ERRORS.SNAPSHOT_LOST('the connection that held the snapshot was lost before the last row was copied', {
      cause,
    });
  }
}

function seal(means: BackupMeans, { job, identity, source }: Making, segments: StoredSegment[]): Promise<Sealed> {
  const { request } = job;
  const label = request.label ?? null;
  return sealBackup(means, {
    ...identity,
    cadence: request.cadence,
    period: periodOf(request.cadence, identity.startedAt, request.label),
    label,
    request,
    limits: source.planned.limits,
    source: catalogFacts(source.catalog),
    way: 'own-connection',
    consistency: source.consistency,
    tables: source.planned.plans.map((plan) => plan.table),
    segments,
    dataFormat: job.format,
  });
}

interface Stored {
  readonly segments: StoredSegment[];
  readonly sealed: Sealed;
  readonly verification: ExportResult['verification'];
}

type Made = Stored & Pick<ExportResult, 'unfinished' | 'warnings'>;

function resultOf(means: BackupMeans, { identity, source }: Making, made: Made): ExportResult {
  const { limits, plans } = source.planned;
  const stored = [...made.segments, ...made.sealed.objects];
  const sum = (of: (segment: StoredSegment) => number) => stored.reduce((total, segment) => total + of(segment), 0);
  return {
    backupId: identity.backupId,
    folder: identity.folder,
    location: means.store.location,
    status: limits.length > 0 ? 'completed_with_limits' : 'completed',
    limits,
    tables: plans.length,
    rows: sum((segment) => segment.rowCount ?? 0),
    rawBytes: made.segments.reduce((total, segment) => total + segment.rawBytes, 0),
    storedBytes: sum((segment) => segment.storedBytes),
    objects: stored.length,
    durationMs: Date.now() - identity.startedAt.getTime(),
    consistency: source.consistency,
    recipients: means.cipher.recipients,
    signed: means.signing !== null,
    manifestSha256: made.sealed.manifestSha256,
    verification: made.verification,
    unfinished: made.unfinished,
    warnings: made.warnings,
  };
}

/** Removes what was stored and returns the error to throw: the one that was met, with what could not be removed. */
async function cleanUp(means: BackupMeans, { job, identity, scope }: Making, error: unknown): Promise<unknown> {
  job.onEvent?.({ type: 'cleaning' });
  const reason = scope.interrupted ? ERRORS.EXPORT_INTERRUPTED('the export was interrupted', { cause: error }) : error;
  await scope.settle();
  try {
    await removeFolder(means.store, identity.folder);
    return reason;
  } catch (second) {
    const known = reason instanceof HoldfastError ? reason : ERRORS.INTERNAL(String(reason), { cause: reason });
    const left = second instanceof Error ? second.message : String(second);
    return new HoldfastError(
      known.code,
      known,
      `${known.message}; its folder ${identity.folder} could not be removed (${left})`,
      {
        cause: known,
        details: { ...known.details, folder: identity.folder },
        hint: `${known.hint} Remove the folder, which is no backup, with --clean-unfinished.`,
      },
    );
  }
}
