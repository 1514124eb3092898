/** One key per table; a NUL cannot be part of an identifier. */
export function tableKey(schema: string, name: string): string {
  return `${schema}\u0000${name}`;
}
