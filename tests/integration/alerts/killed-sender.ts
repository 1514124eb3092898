/** A sender that dies between the sending and the saying so: killed by the test while the sink's answer is on its way. */
import process from 'node:process';
import type { Sql } from 'postgres';
import { deliverAlert } from '../../../supabase/functions/_shared/alerts/deliver-alert.ts';
import { claimDeliveries } from '../../../supabase/functions/_shared/alerts/delivery-ledger.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openDriver } from '../../../supabase/functions/_shared/postgres/open-driver.ts';

const sql = openDriver(process.env.DATABASE_URL ?? '', {
  max: 1,
  applicationName: 'killed sender',
  platform: nodePlatform,
}) as unknown as Sql;
for (const delivery of await claimDeliveries(sql)) {
  await deliverAlert(delivery, { env: (name) => process.env[name], fetch, timeoutMs: 5000, now: () => new Date() });
}
process.kill(process.pid, 'SIGKILL');
