/** Which bytes of which parts, one after the other, make the file: stored with the export once it is complete. */
import type { WrittenPart } from './part-writer.ts';

/** A part's index, where in its plain bytes the piece begins, and how long it is. */
export type Piece = readonly [part: number, offset: number, length: number];

export interface Layout {
  readonly parts: readonly WrittenPart[];
  readonly pieces: readonly Piece[];
}

/** A piece as it is written: the number of the entry that it belongs to comes first. */
export type EntryPiece = readonly [entry: number, part: number, offset: number, length: number];

/** Adds a piece, or lengthens the last one where it goes on. */
export function addPiece(pieces: EntryPiece[], piece: EntryPiece): void {
  const last = pieces.at(-1);
  const goesOn = last && last[0] === piece[0] && last[1] === piece[1] && last[2] + last[3] === piece[2];
  if (goesOn) pieces[pieces.length - 1] = [last[0], last[1], last[2], last[3] + piece[3]];
  else pieces.push(piece);
}

/** The pieces in the order of their entries, each entry's in the order in which they were written. */
export function layOut(parts: readonly WrittenPart[], pieces: readonly EntryPiece[]): Layout {
  const inOrder = pieces.map((piece, index) => ({ piece, index }));
  inOrder.sort((a, b) => a.piece[0] - b.piece[0] || a.index - b.index);
  const joined: [number, number, number][] = [];
  for (const {
    piece: [, part, offset, length],
  } of inOrder) {
    const last = joined.at(-1);
    if (last && last[0] === part && last[1] + last[2] === offset) last[2] += length;
    else joined.push([part, offset, length]);
  }
  return { parts, pieces: joined };
}

export function layoutBytes({ pieces }: Layout): number {
  return pieces.reduce((sum, [, , length]) => sum + length, 0);
}
