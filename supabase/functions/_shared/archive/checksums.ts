/**
 * `checksums.sha256`, as `sha256sum -c` reads it. Our paths are percent-encoded and need no escaping; the format's own
 * escaping of backslash, line feed and carriage return is kept for paths that are not ours.
 */
export function checksumsText(objects: readonly { readonly path: string; readonly sha256: string }[]): string {
  return objects.map(({ path, sha256 }) => line(path, sha256)).join('');
}

function line(path: string, sha256: string): string {
  const escaped = path.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `${escaped === path ? '' : '\\'}${sha256}  ${escaped}\n`;
}
