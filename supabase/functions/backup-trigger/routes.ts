import type { Route } from './route.ts';
import { cancelBackup } from './routes/cancel-backup.ts';
import { downloadBackup } from './routes/download-backup.ts';
import { listBackups } from './routes/list-backups.ts';
import { serveOpenapi } from './routes/serve-openapi.ts';
import { showBackup } from './routes/show-backup.ts';
import { startBackup } from './routes/start-backup.ts';
import { verifyBackup } from './routes/verify-backup.ts';

export const ROUTES: readonly Route[] = [
  startBackup,
  listBackups,
  showBackup,
  cancelBackup,
  verifyBackup,
  downloadBackup,
  serveOpenapi(() => ROUTES),
];
