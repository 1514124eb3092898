import type { Header } from 'tar-stream';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import { UPLOADS_FOLDER } from '../../supabase/functions/_shared/stores/directory-writer.ts';
import { assertObjectKey } from '../../supabase/functions/_shared/stores/object-key.ts';

const NAME_SHOWN = 200;
/** So that no system has an opinion on it: letters, digits and what Holdfast's own names have. */
const SEGMENT = /^[A-Za-z0-9_%~.-]{1,255}$/;

/**
 * The name to write a tar's member to, below a directory of its own, or ARCHIVE_DAMAGED: only plain files and folders,
 * with relative names that stay inside, in the characters of Holdfast. Pure.
 */
export function checkMember({
  name,
  type,
}: {
  name: string;
  /** Null where the tar has a type that nobody knows. */
  type: Header['type'] | null;
}): {
  type: 'file' | 'directory';
  name: string;
} {
  if (type !== 'file' && type !== 'directory')
    throw damaged(name, `must be a file or a folder, not a ${type ?? 'member of unknown type'}`);
  if (name.startsWith('/')) throw damaged(name, 'must have a relative name');
  // `tar c .` writes ./name.
  const inside = name.replace(/^(\.\/)+/, '').replace(/\/$/, '');
  if (type === 'directory' && (inside === '' || inside === '.')) return { type, name: '' };
  const segments = inside.split('/');
  if (segments.includes('..')) throw damaged(name, "must not have '..' in its name");
  if (segments[0] === UPLOADS_FOLDER || !segments.every((segment) => SEGMENT.test(segment) && segment !== '.'))
    throw damaged(name, 'must have a name in the characters that Holdfast writes');
  try {
    assertObjectKey(inside);
  } catch (cause) {
    throw damaged(name, 'must have a shorter name', cause);
  }
  return { type, name: inside };
}

function damaged(name: string, rule: string, cause?: unknown) {
  const shown = JSON.stringify(name.slice(0, NAME_SHOWN));
  return ERRORS.ARCHIVE_DAMAGED(`member ${shown} ${rule}`, {
    cause,
    details: { member: name.slice(0, NAME_SHOWN) },
    hint: 'Do not unpack this file with anything else; use another copy of the backup.',
  });
}
