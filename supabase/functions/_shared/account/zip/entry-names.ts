/**
 * Names that are harmless wherever an archive is unpacked: no way out of the folder, nothing that Windows, macOS or a
 * shell gives a meaning to, and no two names that differ only in case. Pure: the same names in the same order give the same.
 */
const SEGMENT_MAX_BYTES = 120;
const PATH_MAX_BYTES = 400;
const EXTENSION_MAX_CHARS = 13;
const RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\..*)?$/i;
/** Control and format characters (these turn the direction of text around), line separators, and Windows' own. */
const FORBIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}<>:"|?*\\]/gu;
const EMPTY = '_';

export class EntryNames {
  readonly #files = new Set<string>();
  readonly #folders = new Set<string>();
  /** The last number that a name took: thousands of files may be called the same once they are harmless. */
  readonly #copies = new Map<string, number>();

  /** `folder` is one of ours and ends in a slash; `name` may be anything. */
  add(folder: string, name: string): string {
    const segments = name.split('/').map(safeSegment);
    const kept = segments.filter((segment) => segment !== null);
    const path = this.#free(folder, shorten(kept.length > 0 ? kept : [EMPTY]));
    this.reserve(path);
    return path;
  }

  /** A name that add() gave before, or one of ours. */
  reserve(path: string): void {
    this.#files.add(key(path));
    for (const above of foldersOf(path)) this.#folders.add(above);
  }

  /** `a` and `a/b` cannot both be unpacked: the second becomes `a - b`. */
  #free(folder: string, path: string): string {
    const blocked = foldersOf(folder + path).some((above) => this.#files.has(above));
    const [stem, extension] = splitExtension(folder + (blocked ? path.replaceAll('/', ' - ') : path));
    const wanted = key(stem + extension);
    for (let copy = this.#copies.get(wanted) ?? 1; ; copy++) {
      const candidate = copy === 1 ? stem + extension : `${stem} (${copy})${extension}`;
      if (this.#files.has(key(candidate)) || this.#folders.has(key(candidate))) continue;
      this.#copies.set(wanted, copy);
      return candidate;
    }
  }
}

function foldersOf(path: string): string[] {
  const parts = key(path).split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** Equal for names that some file system takes for the same. */
function key(path: string): string {
  return path.normalize('NFC').toLowerCase().toUpperCase();
}

/** null: the segment says nothing (`.`, `..`, empty). */
function safeSegment(segment: string): string | null {
  const clean = segment
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, EMPTY)
    .normalize('NFC')
    .replace(FORBIDDEN, EMPTY)
    .replace(/[. ]+$/u, '')
    .replace(/^ +/u, '');
  if (clean === '') return null;
  const unreserved = RESERVED.test(clean) ? `${EMPTY}${clean}` : clean;
  return cut(unreserved, SEGMENT_MAX_BYTES);
}

/** The last segments are worth most: they name the file. */
function shorten(segments: string[]): string {
  let kept = segments;
  while (kept.length > 1 && byteLength(kept.join('/')) > PATH_MAX_BYTES) kept = kept.slice(1);
  return kept.join('/');
}

/** Keeps the extension, and never cuts through a character. */
function cut(name: string, maxBytes: number): string {
  if (byteLength(name) <= maxBytes) return name;
  const [stem, extension] = splitExtension(name);
  const room = maxBytes - byteLength(extension);
  let kept = '';
  let used = 0;
  for (const character of stem) {
    used += byteLength(character);
    if (used > room) break;
    kept += character;
  }
  return kept.replace(/[. ]+$/u, '') + extension;
}

function splitExtension(path: string): [string, string] {
  const dot = path.lastIndexOf('.');
  const isExtension = dot > path.lastIndexOf('/') + 1 && path.length - dot <= EXTENSION_MAX_CHARS;
  return isExtension ? [path.slice(0, dot), path.slice(dot)] : [path, ''];
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
