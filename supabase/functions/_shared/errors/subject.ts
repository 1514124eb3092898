import { defineErrors } from './define.ts';

export const SUBJECT_ERRORS = defineErrors({
  SUBJECT_SOURCE_INVALID: {
    kind: 'permanent',
    http: 500,
    exit: 2,
    hint: 'Correct the rows of backup.subject_source and backup.subject_column; npm run account:discover proposes paths.',
  },
  SUBJECT_CURSOR_INVALID: {
    kind: 'permanent',
    http: 409,
    exit: 1,
    hint: 'Read the table again from its beginning: its key is another than when the reading began.',
  },
});
