export { countWords } from '../../supabase/functions/_shared/domain/count-words.ts';
