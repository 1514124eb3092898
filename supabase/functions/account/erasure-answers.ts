/** What the routes of erasures take and answer. */
import { z } from 'zod';
import type { PlannedErasure } from '../_shared/account/erase/erasure-plan.ts';
import { type ErasureRow, readErasure } from '../_shared/account/erase/erasure-row.ts';
import { ERRORS } from '../_shared/errors.ts';
import { text, unknownFields } from '../_shared/http/request-fields.ts';
import type { Means } from './route.ts';

export const erasureParams = z.strictObject({ id: z.guid('must be the id of an erasure') });
export const eraseBody = z.strictObject(
  { reason: text(500).optional().describe('Why; for the operators, and forgotten with you.') },
  { error: unknownFields },
);
export const confirmBody = z.strictObject(
  { token: z.string('must be a text').regex(/^[0-9a-f]{64}$/, 'must be the token of the request') },
  { error: unknownFields },
);

const time = z.iso.datetime();
const count = z.number().int().nonnegative();
const effect = z.strictObject({
  table: z.string(),
  constraint: z.string(),
  effect: z.enum(['delete', 'set null', 'set default']),
  rows: count,
});

const planAnswer = z
  .strictObject({
    sha256: z.string().describe('Of what is decided; the erasure does this and nothing else.'),
    tables: z.array(
      z.strictObject({
        table: z.string(),
        action: z.enum(['delete', 'anonymise', 'keep']),
        rows: count,
        anonymised: z.array(z.string()).describe('Columns that are written over.'),
        keep_reason: z.string().nullable(),
        keep_until: time.nullable(),
      }),
    ),
    side_effects: z.array(effect).describe('Rows of tables that refer to yours.'),
    files: z.strictObject({ count, bytes: count }),
  })
  .meta({ id: 'ErasurePlan' });

export const erasureAnswer = z
  .strictObject({
    erasure_id: z.guid(),
    state: z.enum(['planned', 'expired', 'scheduled', 'executing', 'completed', 'cancelled', 'refused', 'failed']),
    requested_at: time,
    confirmed_at: time.nullable(),
    due_at: time.nullable().describe('When it is executed; until then it can be cancelled.'),
    plan: planAnswer,
    certificate: z.record(z.string(), z.unknown()).nullable(),
    error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
  })
  .meta({ id: 'Erasure' });

export const requestedErasure = erasureAnswer
  .extend({ token: z.string().describe('Shown once; confirm with it.'), token_expires_at: time })
  .meta({ id: 'RequestedErasure' });

export const confirmedErasure = z
  .strictObject({
    erasure_id: z.guid(),
    state: z.literal('scheduled'),
    due_at: time,
    receipt: z.string().describe('Shown once; opens the certificate when your account is gone.'),
    certificate_url: z.string(),
  })
  .meta({ id: 'ConfirmedErasure' });

export const cancelledErasure = z
  .strictObject({ erasure_id: z.guid(), state: z.literal('cancelled') })
  .meta({ id: 'CancelledErasure' });

/** Throws NOT_FOUND, the same for what is another's and for what is not. */
export async function findOwnErasure({ sql, userId }: Means, id: string): Promise<ErasureRow> {
  const row = await readErasure(sql, id);
  if (row && row.subject_id === userId) return row;
  throw ERRORS.NOT_FOUND('you have no such erasure');
}

export function describeErasure(row: ErasureRow): z.input<typeof erasureAnswer> {
  const expired = row.state === 'planned' && (row.token_expires_at?.getTime() ?? 0) <= Date.now();
  return {
    erasure_id: row.erasure_id,
    state: expired ? 'expired' : row.state,
    requested_at: row.requested_at.toISOString(),
    confirmed_at: row.confirmed_at?.toISOString() ?? null,
    due_at: row.due_at?.toISOString() ?? null,
    plan: describePlan(row.plan, row.plan_sha256 ?? ''),
    certificate: row.certificate === null ? null : JSON.parse(row.certificate),
    error: row.error && { code: row.error.code, message: 'the operators of this project have been told' },
  };
}

function describePlan(plan: PlannedErasure, sha256: string): z.input<typeof planAnswer> {
  return {
    sha256,
    tables: plan.tables.map(({ schema, table, action, rows, columns, keep }) => ({
      table: `${schema}.${table}`,
      action,
      rows,
      anonymised: columns.map(({ column }) => column),
      keep_reason: keep?.reason ?? null,
      keep_until: keep?.until ?? null,
    })),
    side_effects: plan.side_effects.map(({ schema, table, constraint, effect, rows }) => ({
      table: `${schema}.${table}`,
      constraint,
      effect: effect as 'delete' | 'set null' | 'set default',
      rows,
    })),
    files: plan.files,
  };
}
