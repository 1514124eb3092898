/** The JSON Schema of metadata.json, which goes along: the export explains itself without a connection. */
const count = { type: 'integer', minimum: 0 };
const text = { type: 'string' };
const texts = { type: 'array', items: text };
const object = (properties: Record<string, unknown>, optional: readonly string[] = []) => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  additionalProperties: false,
});
const list = (items: unknown) => ({ type: 'array', items });

export const METADATA_SCHEMA_NAME = 'personal-data.schema.json';

export const METADATA_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Holdfast export of personal data, version 1',
  ...object({
    $schema: text,
    format: { const: 'holdfast-personal-data' },
    version: object({ major: { const: 1 }, minor: count }),
    tool: object({ name: text, version: text }),
    export_id: { type: ['string', 'null'] },
    user_id: { type: 'string', format: 'uuid' },
    exported_at: { type: 'string', format: 'date-time', description: 'When the export began.' },
    finished_at: { type: 'string', format: 'date-time' },
    language: text,
    row_count: count,
    file_count: count,
    categories: list(
      object({
        name: text,
        title: text,
        row_count: count,
        tables: list(
          object({
            table: text,
            row_count: count,
            read: object({
              way: { enum: ['policies', 'filter'] },
              reason: { type: ['string', 'null'], description: 'Why the row level security of the user had no say.' },
              hidden_rows: { ...count, description: 'Rows that the row level security hides from the user.' },
            }),
            treated: list(
              object({
                column: text,
                rule: { enum: ['redact', 'hash', 'drop'] },
                unless_own: { type: ['string', 'null'], description: 'Spared where this column names the user.' },
              }),
            ),
            left_out_columns: texts,
          }),
        ),
      }),
    ),
    files: list(object({ path: text, size: count, sha256: { type: 'string', pattern: '^[0-9a-f]{64}$' } })),
    left_out_files: list(object({ bucket: text, name: text, reason: { enum: ['missing', 'changed', 'refused'] } })),
  }),
};
