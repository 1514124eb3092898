/** Called by the queue with a single-use ticket: does one task, then calls the next worker. */
import { equipFunctions } from '../_shared/backup/equip-functions.ts';
import type { Equipment } from '../_shared/backup/run-task.ts';
import { serveWorker } from '../_shared/backup/serve-worker.ts';
import { createLogger } from '../_shared/log.ts';
import { denoPlatform } from '../_shared/platform-deno.ts';
import { openDriver } from '../_shared/postgres/open-driver.ts';
import { workerCaller } from '../_shared/runs/call-worker.ts';
import { Ledger } from '../_shared/runs/ledger.ts';

const log = createLogger((line) => console.log(line));
const workerName = denoPlatform.env('SB_EXECUTION_ID') ?? crypto.randomUUID();

let ledger: Ledger | undefined;
let equipment: Promise<Equipment> | undefined;

function openLedger(): Ledger {
  if (!ledger) {
    const options = { max: 1, applicationName: 'holdfast worker', platform: denoPlatform };
    ledger = new Ledger(openDriver(denoPlatform.env('SUPABASE_DB_URL') ?? '', options));
  }
  return ledger;
}

function equip(): Promise<Equipment> {
  equipment ??= equipFunctions(denoPlatform).catch((error) => {
    equipment = undefined; // a secret that is put right counts from the next call on
    throw error;
  });
  return equipment;
}

Deno.serve(
  serveWorker({
    platform: denoPlatform,
    context: () => ({ ledger: openLedger(), equip, log }),
    callWorker: workerCaller(denoPlatform, 'backup-worker'),
    workerName,
  }),
);
