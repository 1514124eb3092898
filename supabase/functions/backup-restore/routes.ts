import type { Route } from '../_shared/http/route.ts';
import { serveOpenapi } from '../_shared/http/serve-openapi.ts';
import { BASE_PATH, type Means } from './route.ts';
import { cancelDrill } from './routes/cancel-drill.ts';
import { listDrills } from './routes/list-drills.ts';
import { showDrill } from './routes/show-drill.ts';
import { startDrill } from './routes/start-drill.ts';

export const ROUTES: readonly Route<Means>[] = [
  startDrill,
  listDrills,
  showDrill,
  cancelDrill,
  serveOpenapi<Means>(BASE_PATH, () => ROUTES),
];
