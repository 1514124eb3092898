/**
 * `GET /account/erase/:id/certificate`: for whoever confirmed the erasure and kept the receipt. Their account is gone, so no
 * access token can prove anything; the receipt does, for 30 days after the end.
 */
import type { Sql } from 'postgres';
import { ERRORS } from '../../errors.ts';
import type { ErasureCertificate } from './certificate.ts';
import { certificatePage } from './certificate-page.ts';
import { tokenHash } from './secret-token.ts';

const RECEIPT_DAYS = 30;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** JSON, or a page where the caller accepts HTML. Throws NOT_FOUND, the same for all that is not theirs. */
export async function serveCertificate(sql: Sql, { id, headers }: { id: string; headers: Headers }): Promise<Response> {
  const receipt = /^Bearer +([0-9a-f]{64})$/i.exec(headers.get('authorization')?.trim() ?? '')?.[1];
  const [row] =
    receipt && UUID.test(id)
      ? await sql`
          select state, certificate, certificate_signature from backup.erasure
          where erasure_id = ${id}::uuid and receipt_sha256 = ${tokenHash(receipt)}
            and (ended_at is null or ended_at > pg_catalog.clock_timestamp() - pg_catalog.make_interval(days => ${RECEIPT_DAYS}))`
      : [];
  if (!row) throw ERRORS.NOT_FOUND('there is no certificate that this receipt opens');
  if (row.certificate === null) return Response.json({ erasure_id: id, state: row.state }, { status: 202 });
  const certificate = JSON.parse(row.certificate as string) as ErasureCertificate;
  if (headers.get('accept')?.includes('text/html'))
    return new Response(certificatePage(certificate), { headers: { 'content-type': 'text/html; charset=utf-8' } });
  return Response.json({ erasure_id: id, state: row.state, certificate, signature: row.certificate_signature });
}
