export { durationWords } from '../../supabase/functions/_shared/domain/duration-words.ts';
