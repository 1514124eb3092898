/** A message as people read it, in no channel's format yet: nothing in it is escaped, everything is short and scrubbed. */
import { byteWords } from '../domain/byte-words.ts';
import { durationWords } from '../domain/duration-words.ts';
import type { AlertFact, AlertMessage } from './alert-message.ts';
import { cutText } from './cut-text.ts';
import { scrubText } from './scrub-text.ts';

export interface AlertField {
  readonly name: string;
  readonly value: string;
}

export interface AlertView {
  /** One line. */
  readonly title: string;
  readonly text: string;
  readonly todo: string;
  readonly fields: readonly AlertField[];
  /** Where it comes from and when it was written. */
  readonly footer: string;
  /** red, amber, green, blue: for the channels that have colours. */
  readonly tone: 'bad' | 'warning' | 'good' | 'info';
}

const MAX_TITLE_CHARS = 140;
const MAX_TEXT_CHARS = 1500;
const MAX_VALUE_CHARS = 300;
const MAX_FIELDS = 10;

/** In the order in which they are shown; a fact that is not here is not shown. */
const LABELS: readonly [string, string, ((value: AlertFact) => string)?][] = [
  ['backup_id', 'Backup'],
  ['schedule', 'Schedule'],
  ['check', 'Check'],
  ['step', 'Step'],
  ['status', 'Status', (value) => String(value).replaceAll('_', ' ')],
  ['value', 'Value'],
  ['threshold', 'Threshold'],
  ['unit', 'Unit'],
  ['error_code', 'Error'],
  ['due_at', 'Due at'],
  ['failed_in_a_row', 'Failed in a row'],
  ['missed', 'Missed times'],
  ['attempt', 'Attempt'],
  ['backups_completed', 'Backups completed'],
  ['backups_failed', 'Backups failed'],
  ['verifications_passed', 'Verifications passed'],
  ['verifications_failed', 'Verifications failed'],
  ['drills_passed', 'Drills passed'],
  ['drills_failed', 'Drills failed'],
  ['open_problems', 'Open problems'],
  ['stored_bytes', 'Size', sizeOf],
  ['week_bytes', 'Stored', sizeOf],
  [
    'duration_seconds',
    'Duration',
    (value) => (typeof value === 'number' ? durationWords(value * 1000) : String(value)),
  ],
  ['tables', 'Tables'],
  ['rows', 'Rows', (value) => (typeof value === 'number' ? value.toLocaleString('en-US') : String(value))],
  ['location', 'Place'],
];

function sizeOf(value: AlertFact): string {
  return typeof value === 'number' ? byteWords(value) : String(value);
}

export function alertView(message: AlertMessage, secrets: readonly string[] = []): AlertView {
  const clean = (text: string, maxChars: number) => cutText(scrubText(text, secrets).trim(), maxChars);
  return {
    title: clean(titleOf(message).replace(/\s+/g, ' '), MAX_TITLE_CHARS),
    text: clean(
      message.kind === 'resolved' && message.because ? sentence(message.because) : sentence(message.text),
      MAX_TEXT_CHARS,
    ),
    todo: message.kind === 'resolved' ? '' : clean(message.todo ?? '', MAX_TEXT_CHARS),
    fields: fieldsOf(message).map(({ name, value }) => ({ name, value: clean(value, MAX_VALUE_CHARS) })),
    footer: clean(`Holdfast, ${message.source}, ${timeWords(message.at)}`, 200),
    tone: toneOf(message),
  };
}

function titleOf({ kind, type, severity, text }: AlertMessage): string {
  if (type === 'test') return 'Test message';
  if (type === 'weekly_digest') return 'Backups of the last 7 days';
  if (kind === 'notice') return text.charAt(0).toUpperCase() + text.slice(1);
  const word = {
    open: severity === 'critical' ? 'Critical' : 'Warning',
    repeat: 'Still open',
    escalation: 'Escalated',
  };
  return `${kind === 'resolved' ? 'Resolved' : word[kind as keyof typeof word]}: ${text}`;
}

function fieldsOf({ kind, facts, first_seen, resolved_at, occurrences, at, type }: AlertMessage): AlertField[] {
  const fields: AlertField[] = [];
  for (const [key, name, words = String] of LABELS) {
    if (Object.hasOwn(facts, key)) fields.push({ name, value: words(facts[key]!) });
  }
  if (type === 'backup_completed') fields.unshift({ name: 'Time', value: timeWords(at) });
  if (kind === 'notice' || kind === 'digest') return fields.slice(0, MAX_FIELDS);
  const own: AlertField[] = [];
  if (first_seen) own.push({ name: 'Since', value: timeWords(first_seen) });
  if (occurrences && occurrences > 1) own.push({ name: 'Times in a row', value: String(occurrences) });
  const end = kind === 'resolved' ? resolved_at : kind === 'open' ? null : at;
  if (first_seen && end)
    own.push({ name: 'For', value: durationWords(Math.max(0, Date.parse(end) - Date.parse(first_seen))) });
  return [...fields.slice(0, MAX_FIELDS - own.length), ...own];
}

function toneOf({ kind, severity, ping }: AlertMessage): AlertView['tone'] {
  if (kind === 'resolved') return 'good';
  if (kind === 'digest') return 'info';
  if (kind === 'notice') return ping === 'fail' ? 'bad' : severity === 'info' ? 'good' : 'warning';
  return severity === 'critical' ? 'bad' : 'warning';
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?:]$/.test(first) ? first : `${first}.`;
}

function timeWords(at: string): string {
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) return at;
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
