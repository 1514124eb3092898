import type { Route } from '../_shared/http/route.ts';
import { serveOpenapi } from '../_shared/http/serve-openapi.ts';
import { BASE_PATH, type Means } from './route.ts';
import { showAlerts } from './routes/show-alerts.ts';
import { showReport } from './routes/show-report.ts';
import { testChannel } from './routes/test-channel.ts';

/** Of operators. GET /health and POST /work, which ask nobody who they are, are in serve-monitor.ts. */
export const ROUTES: readonly Route<Means>[] = [
  showReport,
  showAlerts,
  testChannel,
  serveOpenapi(BASE_PATH, () => ROUTES),
];
