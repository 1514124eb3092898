/** A part of a DO block that a refusal leaves out: roles and settings differ between servers, and rows matter more. */
export function guarded(statement: string): string {
  const refusals = 'insufficient_privilege or invalid_grant_operation or undefined_object or invalid_parameter_value';
  const warning = `raise warning 'left out: %', sqlerrm;`;
  return `begin ${statement}; exception when ${refusals} or cant_change_runtime_param then ${warning} end;`;
}
