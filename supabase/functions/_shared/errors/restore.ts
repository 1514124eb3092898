import { defineErrors } from './define.ts';

export const RESTORE_ERRORS = defineErrors({
  BACKUP_MISSING: {
    kind: 'permanent',
    http: 404,
    exit: 2,
    hint: 'Give the id of a backup in this store, its folder, or latest; backups are the folders that have a manifest.json.',
  },
  RESTORE_CONFLICT: {
    kind: 'permanent',
    http: 409,
    exit: 2,
    hint: 'Restore into an empty database, or say what happens to tables that exist: --on-conflict skip or replace.',
  },
  RESTORE_TARGET_UNUSABLE: {
    kind: 'permanent',
    http: 422,
    exit: 2,
    hint: 'Give a target that meets the named rule; nothing was changed in this one.',
  },
  RESTORE_FAILED: {
    kind: 'permanent',
    http: 500,
    exit: 1,
    hint: 'The report names what is in the target and what is not; remove the cause and run the same command again.',
  },
  RESTORE_INTERRUPTED: {
    kind: 'transient',
    http: 500,
    exit: 130,
    hint: 'Run the same command again: it goes on after the last table that is whole.',
  },
  CONFIRMATION_MISSING: {
    kind: 'permanent',
    http: 400,
    exit: 2,
    hint: 'Run it again and confirm, or give --yes; nothing was changed.',
  },
  REPORT_NOT_WRITTEN: {
    kind: 'permanent',
    http: 500,
    exit: 1,
    hint: 'The restore itself has ended as shown; make the file writable, or take the report from --json.',
  },
  ACTIVATION_FAILED: {
    kind: 'permanent',
    http: 422,
    exit: 1,
    hint: 'Remove the named causes and run the same command again: what is on stays on.',
  },
  DRILL_TOO_LARGE: {
    kind: 'permanent',
    http: 422,
    exit: 2,
    hint: "Drill it elsewhere with npm run backup:drill, or raise 'drill_max_bytes' in backup.setting if the disk has room for a second copy.",
  },
  DRILL_NOT_ACTIVE: {
    kind: 'permanent',
    http: 409,
    exit: 2,
    hint: 'Only a drill in progress can be cancelled; look at its status.',
  },
});
