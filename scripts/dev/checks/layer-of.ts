/** Which layer a file stands in, by its path; the rules between layers are in layer-rules.ts. */
const SHARED = 'supabase/functions/_shared/';

/** Layers that procedures are built from. */
export const BASE_LAYERS = ['archive', 'postgres', 'stores', 'runs', 'http'] as const;
/** Folders of _shared that belong to no layer: every one but the domain may use them. */
const COMMON_FOLDERS = new Set(['errors', 'config', 'vendor']);

export type Layer =
  | { readonly kind: 'domain' | 'common' | 'scripts' | 'dev' | 'tests' | 'elsewhere' }
  | { readonly kind: 'base' | 'procedure' | 'function'; readonly name: string };

/** `path` is relative to the repository. */
export function layerOf(path: string): Layer {
  if (path.startsWith(SHARED)) return sharedLayer(path.slice(SHARED.length));
  const name = /^supabase\/functions\/([^/]+)\//.exec(path)?.[1];
  if (name) return { kind: 'function', name };
  if (path.startsWith('scripts/dev/')) return { kind: 'dev' };
  if (path.startsWith('scripts/')) return { kind: 'scripts' };
  return { kind: path.startsWith('tests/') ? 'tests' : 'elsewhere' };
}

function sharedLayer(path: string): Layer {
  const [folder = '', ...rest] = path.split('/');
  if (rest.length === 0 || COMMON_FOLDERS.has(folder)) return { kind: 'common' };
  if (folder === 'domain') return { kind: 'domain' };
  if ((BASE_LAYERS as readonly string[]).includes(folder)) return { kind: 'base', name: folder };
  return { kind: 'procedure', name: folder };
}

/** May the file touch `Deno`, `EdgeRuntime` and `process`? */
export function isPlatformFile(path: string): boolean {
  return new RegExp(`^${SHARED}platform-[a-z-]+\\.ts$`).test(path) || isEntryFile(path);
}

/** The short files that construct everything. */
export function isEntryFile(path: string): boolean {
  return /^supabase\/functions\/[a-z][\w-]*\/index\.ts$/.test(path);
}

/** Files that say what a layer promises; other base layers may import them. */
export function isContract(path: string): boolean {
  return CONTRACTS.has(path.slice(SHARED.length)) && path.startsWith(SHARED);
}

const CONTRACTS = new Set([
  'stores/store.ts',
  'archive/contracts.ts',
  'postgres/session.ts',
  'postgres/catalog-types.ts',
]);
