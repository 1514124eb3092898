import type { Catalog } from '../postgres/catalog-types.ts';
import type { CatalogFacts } from '../runs/run-row.ts';

/** What of the catalogue the manifest will say. */
export function catalogFacts(catalog: Catalog): CatalogFacts {
  return {
    database: catalog.databaseName,
    serverVersion: catalog.serverVersion,
    serverVersionNum: catalog.serverVersionNum,
    encoding: catalog.encoding,
    supabase: catalog.supabase,
    managedSchemas: catalog.managedSchemas,
    extensions: catalog.extensions,
  };
}

/** On Supabase every extension belongs to the platform, whoever created it; null elsewhere. */
export function platformExtensions(
  catalog: Pick<CatalogFacts, 'supabase' | 'extensions'>,
): CatalogFacts['extensions'] | null {
  return catalog.supabase ? catalog.extensions.filter(({ name }) => name !== 'plpgsql') : null;
}
