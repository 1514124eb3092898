/** Places for work that is done at once; whoever finds none does it later. */
export interface Places {
  /** null when all are taken; otherwise what gives the place back, which may be called twice. */
  enter(): (() => void) | null;
}

export function createPlaces(most: number): Places {
  const taken = new Set<symbol>();
  return {
    enter() {
      if (taken.size >= most) return null;
      const place = Symbol();
      taken.add(place);
      return () => void taken.delete(place);
    },
  };
}
