/** The layer rule of docs/design.md, import by import. Pure. */
import { isContract, isEntryFile, type Layer, layerOf } from './layer-of.ts';

/** A drill's throw-away server is the local stack's: see docs/decisions/0012. */
const DRILL_SERVER = 'scripts/cli/open-drill-database.ts';
const STACK_DATABASE = 'scripts/dev/stack/database/';

/** Which rule an import breaks, or null. Both paths are relative to the repository. */
export function brokenLayerRule(from: string, to: string): string | null {
  const [source, target] = [layerOf(from), layerOf(to)];
  if (isDeployed(source) && !isDeployed(target))
    return `the code of edge functions must not import ${to}: it is not deployed`;
  if (from === DRILL_SERVER && to.startsWith(STACK_DATABASE)) return null;
  if (source.kind === 'scripts' && (target.kind === 'dev' || target.kind === 'tests')) {
    return `scripts are part of the product and must not import ${to}`;
  }
  if (isShared(source) && target.kind === 'function') return `_shared must not import the function ${target.name}`;
  if (to.endsWith('/platform-deno.ts') && !isEntryFile(from))
    return 'only functions/*/index.ts may import platform-deno.ts';
  if (to.endsWith('/platform-node.ts') && isDeployed(source))
    return 'only scripts and tests may import platform-node.ts';
  return ruleBetween(source, target, to);
}

function ruleBetween(source: Layer, target: Layer, to: string): string | null {
  switch (source.kind) {
    case 'domain':
      return target.kind === 'domain' ? null : `domain imports nothing of ours, but this is ${to}`;
    case 'common':
      return target.kind === 'procedure' ? `what all layers share must not import the procedure ${target.name}` : null;
    case 'base':
      if (target.kind === 'procedure') return `${source.name} must not import the procedure ${target.name}`;
      if (target.kind !== 'base' || target.name === source.name || isContract(to)) return null;
      return `${source.name} must not import ${target.name} (its contracts excepted)`;
    case 'procedure':
      if (target.kind !== 'procedure' || target.name === source.name) return null;
      return `procedures do not import each other: ${source.name} imports ${target.name}`;
    case 'function':
      if (target.kind !== 'function' || target.name === source.name) return null;
      return `functions do not import each other: ${source.name} imports ${target.name}`;
    default:
      return null;
  }
}

function isShared(layer: Layer): boolean {
  return layer.kind === 'domain' || layer.kind === 'common' || layer.kind === 'base' || layer.kind === 'procedure';
}

function isDeployed(layer: Layer): boolean {
  return isShared(layer) || layer.kind === 'function';
}
