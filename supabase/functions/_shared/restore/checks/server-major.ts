import type { CheckContext } from '../contracts.ts';

/** Major versions of source and target, and whether they differ. */
export function serverMajors({ manifest, session }: CheckContext) {
  const source = Math.floor(manifest.source.server_version_num / 10_000);
  const target = Math.floor(session.serverVersionNum / 10_000);
  return { source, target, differ: source !== target };
}
