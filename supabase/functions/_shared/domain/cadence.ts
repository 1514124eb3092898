/** Why a backup was taken; retention hangs on it. The same list is in backup.is_cadence() of the migrations. */
export const CADENCES = [
  'hourly',
  'daily',
  'weekly',
  'monthly',
  'yearly',
  'pre-deployment',
  'emergency',
  'manual',
  'on-demand',
] as const;

export type Cadence = (typeof CADENCES)[number];

export function isCadence(text: string): text is Cadence {
  return (CADENCES as readonly string[]).includes(text);
}
