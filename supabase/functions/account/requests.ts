/** What callers may send. */
import { z } from 'zod';
import { choice, text, unknownFields } from '../_shared/http/request-fields.ts';

const FORMATS = ['zip', 'json'] as const;
const format = choice(FORMATS)
  .default('zip')
  .describe('zip: files for people and programs; json: one document, without the files.');
const lang = text(35).optional().describe('The language of index.html, such as en or de; else by Accept-Language.');

export const exportQuery = z.strictObject({ format, lang }, { error: unknownFields });
export const exportBody = z.strictObject({ format, lang }, { error: unknownFields }).meta({ id: 'StartExport' });
/** Anything else is unknown in the same way as an id that is nobody's. */
export const exportParams = z.strictObject({ id: text(200) });
