/** Places for work that is done at once; whoever finds none does it later. */
export interface Places {
  /**
   * null when all are taken, or when `who` has as many as one may have; otherwise what gives the place back, which may be
   * called twice.
   */
  enter(who?: string): (() => void) | null;
}

export interface PlacesOptions {
  /** Of one `who`; default: as many as there are. */
  readonly each?: number;
}

export function createPlaces(most: number, { each = most }: PlacesOptions = {}): Places {
  const taken = new Map<symbol, string | undefined>();
  return {
    enter(who) {
      if (taken.size >= most) return null;
      const theirs = who === undefined ? 0 : [...taken.values()].filter((one) => one === who).length;
      if (theirs >= each) return null;
      const place = Symbol();
      taken.set(place, who);
      return () => void taken.delete(place);
    },
  };
}
