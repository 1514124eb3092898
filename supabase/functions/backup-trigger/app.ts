import { createOperatorApp, type OperatorAppOptions, type OperatorMeans } from '../_shared/http/operator-app.ts';
import { BASE_PATH, type Means } from './route.ts';
import { ROUTES } from './routes.ts';

export type Surroundings = Means & OperatorMeans;

export type AppOptions = OperatorAppOptions<Means>;

export function createApp(options: AppOptions) {
  return createOperatorApp({ basePath: BASE_PATH, routes: ROUTES }, options);
}
