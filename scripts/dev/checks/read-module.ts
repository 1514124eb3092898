/** What a TypeScript file imports and which of the runtime's globals it touches, from its syntax tree. */
import { type ParseResult, parseSync, Visitor } from 'oxc-parser';

export interface ModuleImport {
  /** Null: computed, so nobody can know before it runs. */
  readonly specifier: string | null;
  readonly line: number;
}

export interface ModuleFacts {
  readonly imports: ModuleImport[];
  /** Runtime globals that are used and not declared in the file itself. */
  readonly globals: { readonly name: string; readonly line: number }[];
  readonly syntaxErrors: { readonly message: string; readonly line: number }[];
}

const RUNTIME_GLOBALS = new Set(['Deno', 'EdgeRuntime', 'process', 'Buffer', '__dirname', '__filename', 'require']);
const GLOBAL_OBJECTS = new Set(['globalThis', 'global', 'window', 'self']);

export function readModule(path: string, text: string): ModuleFacts {
  const parsed = parseSync(path, text, { sourceType: 'module', lang: 'ts' });
  const lineOf = lineFinder(text);
  const { used, declared } = collectNames(parsed);
  return {
    imports: collectImports(parsed, text).map(({ specifier, at }) => ({ specifier, line: lineOf(at) })),
    globals: used.filter(({ name }) => !declared.has(name)).map(({ name, at }) => ({ name, line: lineOf(at) })),
    syntaxErrors: parsed.errors.map((error) => ({ message: error.message, line: lineOf(error.labels[0]?.start ?? 0) })),
  };
}

interface Found<T> {
  readonly at: number;
  readonly specifier: T;
}

/** Imports, re-exports, `import()` and the types of `import('…').X`. */
function collectImports({ module, program }: ParseResult, text: string): Found<string | null>[] {
  const found: Found<string | null>[] = module.staticImports.map((one) => ({
    at: one.start,
    specifier: one.moduleRequest.value,
  }));
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest } of entries) {
      if (moduleRequest) found.push({ at: moduleRequest.start, specifier: moduleRequest.value });
    }
  }
  for (const { start, moduleRequest } of module.dynamicImports) {
    found.push({ at: start, specifier: literalText(text.slice(moduleRequest.start, moduleRequest.end)) });
  }
  new Visitor({
    TSImportType(node) {
      found.push({ at: node.start, specifier: literalText(text.slice(node.source.start, node.source.end)) });
    },
  }).visit(program);
  return found.sort((a, b) => a.at - b.at);
}

function literalText(source: string): string | null {
  return /^(['"])([^'"\\]*)\1$/.exec(source.trim())?.[2] ?? null;
}

/** Names in expressions, and names that the file declares (a `declare` says that the runtime has it, and does not count). */
function collectNames({ program }: ParseResult) {
  const used: { name: string; at: number }[] = [];
  const declared = new Set<string>();
  const notUses = new Set<number>();
  const declare = (pattern: unknown) => {
    for (const name of boundNames(pattern)) {
      declared.add(name.name);
      notUses.add(name.start);
    }
  };
  new Visitor({
    VariableDeclaration(node) {
      for (const one of node.declarations) {
        if (node.declare) for (const name of boundNames(one.id)) notUses.add(name.start);
        else declare(one.id);
      }
    },
    FunctionDeclaration: (node) => node.params.forEach(declare),
    FunctionExpression: (node) => node.params.forEach(declare),
    ArrowFunctionExpression: (node) => node.params.forEach(declare),
    CatchClause: (node) => declare(node.param),
    ImportDefaultSpecifier: (node) => declare(node.local),
    ImportNamespaceSpecifier: (node) => declare(node.local),
    ImportSpecifier: (node) => {
      declare(node.local);
      notUses.add(node.imported.start);
    },
    MemberExpression(node) {
      if (!node.computed) notUses.add(node.property.start);
      const name = node.computed ? constantText(node.property) : (node.property as { name?: string }).name;
      const ofGlobal = node.object.type === 'Identifier' && GLOBAL_OBJECTS.has(node.object.name);
      if (ofGlobal && name && RUNTIME_GLOBALS.has(name)) used.push({ name: `globalThis.${name}`, at: node.start });
    },
    Property(node) {
      if (!node.computed && !node.shorthand) notUses.add(node.key.start);
    },
    PropertyDefinition: (node) => void (node.computed || notUses.add(node.key.start)),
    MethodDefinition: (node) => void (node.computed || notUses.add(node.key.start)),
    TSPropertySignature: (node) => void (node.computed || notUses.add(node.key.start)),
    TSMethodSignature: (node) => void (node.computed || notUses.add(node.key.start)),
    'Identifier:exit'(node) {
      if (RUNTIME_GLOBALS.has(node.name)) used.push({ name: node.name, at: node.start });
    },
  }).visit(program);
  const unique = new Map(used.map((use) => [use.at, use])); // a shorthand property is visited as key and as value
  const isUse = ({ at, name }: { at: number; name: string }) => name.startsWith('globalThis.') || !notUses.has(at);
  return { declared, used: [...unique.values()].filter(isUse) };
}

function constantText(node: unknown): string | undefined {
  const { type, value } = node as { type: string; value?: unknown };
  return type === 'Literal' && typeof value === 'string' ? value : undefined;
}

/** The identifiers that a pattern binds: `a`, `{ a, b: c }`, `[a, ...b]`, `a = 1`. */
function boundNames(pattern: unknown): { name: string; start: number }[] {
  if (typeof pattern !== 'object' || pattern === null) return [];
  const node = pattern as Record<string, unknown> & { type: string; name: string; start: number };
  if (node.type === 'Identifier') return [node];
  if (node.type === 'AssignmentPattern') return boundNames(node.left);
  if (node.type === 'RestElement') return boundNames(node.argument);
  if (node.type === 'ArrayPattern') return (node.elements as unknown[]).flatMap(boundNames);
  if (node.type === 'ObjectPattern') return (node.properties as unknown[]).flatMap(boundNames);
  return node.type === 'Property' ? boundNames(node.value) : [];
}

function lineFinder(text: string): (offset: number) => number {
  return (offset) => text.slice(0, offset).split('\n').length;
}
