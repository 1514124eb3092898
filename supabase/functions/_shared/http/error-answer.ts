import { z } from 'zod';

/** The body of every answer that is an error; see error-handler.ts. */
export const errorAnswer = z
  .strictObject({
    error: z.strictObject({
      code: z
        .string()
        .regex(/^[A-Z][A-Z0-9_]*$/)
        .describe('Stable; for machines.'),
      message: z.string(),
      hint: z.string().describe('What to do about it.'),
      details: z.record(z.string(), z.unknown()).optional(),
    }),
  })
  .meta({ id: 'Error' });
