import type { ReportInput } from './export-report.ts';
import type { LocalArchive } from './make-archive.ts';

/** The one object that --json prints, and that a webhook gets. */
export function exportJson(
  { mode, result, codec, archive }: Omit<ReportInput, 'notified'>,
  warnings: readonly string[],
) {
  const { verification } = result;
  return {
    status: result.status,
    mode,
    backup_id: result.backupId,
    location: result.location,
    folder: result.folder,
    tables: result.tables,
    rows: result.rows,
    raw_bytes: result.rawBytes,
    stored_bytes: result.storedBytes,
    objects: result.objects,
    codec,
    seconds: result.durationMs / 1000,
    taken_at: result.consistency.taken_at,
    encrypted_to: result.recipients.map(({ fingerprint, userId }) => ({ fingerprint, user_id: userId })),
    signed: result.signed,
    manifest_sha256: result.manifestSha256,
    verified: {
      kind: verification.kind,
      objects: verification.objects,
      bytes: verification.bytes,
      hashed: verification.hashed,
    },
    limits: result.limits,
    warnings,
    ...(archive ? { archive: archiveFacts(archive) } : {}),
  };
}

function archiveFacts({ path, bytes, sha256 }: LocalArchive) {
  return { path, bytes, sha256 };
}
