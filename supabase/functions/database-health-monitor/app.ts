import { createOperatorApp, type OperatorAppOptions, type OperatorMeans } from '../_shared/http/operator-app.ts';
import { BASE_PATH, type Means } from './route.ts';
import { ROUTES } from './routes.ts';

export type Surroundings = Means & OperatorMeans;

export function createApp(options: OperatorAppOptions<Means>) {
  return createOperatorApp({ basePath: BASE_PATH, routes: ROUTES }, options);
}
