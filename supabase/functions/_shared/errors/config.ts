import { defineErrors } from './define.ts';

export const CONFIG_ERRORS = defineErrors({
  CONFIG_INVALID: {
    kind: 'permanent',
    http: 500,
    exit: 2,
    hint: 'Set the named variables (function secrets, or the environment of the script) and try again.',
  },
});
