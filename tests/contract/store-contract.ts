import { after, before, describe, test } from 'node:test';
import type { Store } from '../../supabase/functions/_shared/stores/store.ts';
import { STORE_CASES } from './store-cases.ts';

export interface StoreFactory {
  /** Called once before the cases. */
  open?(): Promise<void>;
  /** An empty store for one case. */
  create(): Promise<Store>;
  close?(): Promise<void>;
}

/** Runs every case of the contract against a store; `skip` gives the reason why this store, `skipCases` why a case, is left out. */
export function describeStore(
  name: string,
  factory: StoreFactory,
  options: { skip?: string | false; skipCases?: Record<string, string> } = {},
): void {
  describe(`${name} keeps the contract of stores`, { skip: options.skip ?? false }, () => {
    before(() => factory.open?.());
    after(() => factory.close?.());
    for (const { name: sentence, run } of STORE_CASES) {
      test(sentence, { skip: options.skipCases?.[sentence] ?? false }, async () => run(await factory.create()));
    }
  });
}
