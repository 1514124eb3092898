/** Makes the files of the demo's storage.objects rows: sizes from their metadata, contents always the same. */
import { createHash } from 'node:crypto';
import type postgres from 'postgres';
import type { StorageFiles } from './storage-files.ts';

interface ObjectRow {
  readonly id: string;
  readonly bucket_id: string;
  readonly name: string;
  readonly version: string | null;
  readonly size: string | null;
}

const AT_ONCE = 8;

/** `sql` is the superuser's. Returns how many files it has written. Rows whose file exists with the right size are left alone. */
export async function seedStorage(sql: postgres.Sql, files: StorageFiles): Promise<number> {
  const rows = await sql<ObjectRow[]>`
    select id, bucket_id, name, version, metadata ->> 'size' as size from storage.objects
    where bucket_id is not null and name is not null order by bucket_id, name`;
  const pending = [...rows];
  const eTags: { id: string; eTag: string }[] = [];
  const work = async () => {
    for (let row = pending.pop(); row; row = pending.pop()) {
      const key = { bucketId: row.bucket_id, name: row.name, version: row.version };
      const sizeBytes = Number(row.size ?? 0);
      if ((await files.sizeBytes(key)) === sizeBytes) continue;
      const file = await files.write(key, deterministicBytes(`${row.bucket_id}/${row.name}`, sizeBytes));
      eTags.push({ id: row.id, eTag: `"${file.md5}"` });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  await writeETags(sql, eTags);
  return eTags.length;
}

/** As a server that had received the files would have; replica mode leaves updated_at as it is. */
async function writeETags(sql: postgres.Sql, eTags: { id: string; eTag: string }[]): Promise<void> {
  await sql.begin(async (transaction) => {
    await transaction`set local session_replication_role = replica`;
    await transaction`
      update storage.objects o set metadata = jsonb_set(o.metadata, '{eTag}', to_jsonb(e."eTag"))
      from jsonb_to_recordset(${transaction.json(eTags)}) as e(id uuid, "eTag" text) where e.id = o.id`;
  });
}

/** Incompressible enough to be honest about sizes: a chain of SHA-512 over the name, repeated per 64 KiB block. */
async function* deterministicBytes(name: string, sizeBytes: number): AsyncGenerator<Uint8Array> {
  const block = new Uint8Array(65_536);
  let link = createHash('sha512').update(name).digest();
  for (let at = 0; at < block.length; at += link.length) {
    block.set(link, at);
    link = createHash('sha512').update(link).digest();
  }
  for (let left = sizeBytes; left > 0; left -= block.length) yield block.subarray(0, Math.min(left, block.length));
}
