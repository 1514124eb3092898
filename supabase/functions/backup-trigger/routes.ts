import type { Route } from '../_shared/http/route.ts';
import { serveOpenapi } from '../_shared/http/serve-openapi.ts';
import { BASE_PATH, type Means } from './route.ts';
import { cancelBackup } from './routes/cancel-backup.ts';
import { downloadBackup } from './routes/download-backup.ts';
import { listBackups } from './routes/list-backups.ts';
import { showBackup } from './routes/show-backup.ts';
import { startBackup } from './routes/start-backup.ts';
import { verifyBackup } from './routes/verify-backup.ts';

export const ROUTES: readonly Route<Means>[] = [
  startBackup,
  listBackups,
  showBackup,
  cancelBackup,
  verifyBackup,
  downloadBackup,
  serveOpenapi<Means>(BASE_PATH, () => ROUTES),
];
