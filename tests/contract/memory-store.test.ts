import { createMemoryStore } from '../../supabase/functions/_shared/stores/memory-store.ts';
import { describeStore } from './store-contract.ts';

describeStore('the memory store', { create: async () => createMemoryStore() });
