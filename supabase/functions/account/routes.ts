import { openapiDocument } from './openapi-document.ts';
import type { Route } from './route.ts';
import { cancelErasure } from './routes/cancel-erasure.ts';
import { cancelExport } from './routes/cancel-export.ts';
import { confirmErasure } from './routes/confirm-erasure.ts';
import { downloadExport } from './routes/download-export.ts';
import { eraseAccount } from './routes/erase-account.ts';
import { exportNow } from './routes/export-now.ts';
import { showErasure } from './routes/show-erasure.ts';
import { showExport } from './routes/show-export.ts';
import { startExport } from './routes/start-export.ts';

export const ROUTES: readonly Route[] = [
  exportNow,
  startExport,
  showExport,
  downloadExport,
  cancelExport,
  eraseAccount,
  showErasure,
  confirmErasure,
  cancelErasure,
  openapiDocument(() => ROUTES),
];
