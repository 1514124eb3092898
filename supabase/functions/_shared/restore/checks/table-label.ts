/** `schema.table`, for people. */
export function tableLabel(table: { readonly schema: string; readonly name: string }): string {
  return `${table.schema}.${table.name}`;
}
