/** For options that take names separated by commas and may be repeated. Commas inside double quotes belong to the name. */
export function collectNames(value: string, all: string[] = []): string[] {
  const names = value.match(/(?:"(?:[^"]|"")*"|[^",])+/gu) ?? [];
  return [...all, ...names.map((name) => name.trim()).filter((name) => name !== '')];
}
