/** The words of index.html. A language is added by a column here; what is missing would not compile. */
export interface Words {
  readonly title: string;
  readonly intro: string;
  readonly made: string;
  readonly account: string;
  readonly contents: string;
  readonly rows: string;
  /** Of one. */
  readonly row: string;
  readonly files: string;
  readonly filesIntro: string;
  readonly file: string;
  readonly size: string;
  readonly empty: string;
  readonly more: string;
  readonly open: string;
  readonly leftOut: string;
  readonly treated: string;
  readonly proof: string;
  readonly categories: Readonly<Record<string, string>>;
}

const EN: Words = {
  title: 'Your personal data',
  intro:
    'This folder holds the personal data that this service keeps about you. Open this page at any time; it needs no connection. The CSV files open in a spreadsheet, the JSON files are for programs.',
  made: 'Made on',
  account: 'Account',
  contents: 'What is in it',
  rows: 'rows',
  row: 'row',
  files: 'Files',
  filesIntro: 'Files that you uploaded. They are in the folder “files”.',
  file: 'File',
  size: 'Size',
  empty: 'Nothing is kept about you here.',
  more: 'Only the first rows are shown. All of them:',
  open: 'All rows',
  leftOut: 'Files that could not be read',
  treated: 'Some values about other people, and internal ones, are masked or left out. metadata.json says which.',
  proof: 'metadata.json lists every file with its size and SHA-256.',
  categories: {},
};

const DE: Words = {
  title: 'Ihre persönlichen Daten',
  intro:
    'Dieser Ordner enthält die persönlichen Daten, die dieser Dienst über Sie speichert. Die Seite braucht keine Verbindung. Die CSV-Dateien öffnet ein Tabellenprogramm, die JSON-Dateien sind für Programme.',
  made: 'Erstellt am',
  account: 'Konto',
  contents: 'Inhalt',
  rows: 'Zeilen',
  row: 'Zeile',
  files: 'Dateien',
  filesIntro: 'Dateien, die Sie hochgeladen haben. Sie liegen im Ordner „files“.',
  file: 'Datei',
  size: 'Größe',
  empty: 'Hier ist nichts über Sie gespeichert.',
  more: 'Nur die ersten Zeilen sind zu sehen. Alle:',
  open: 'Alle Zeilen',
  leftOut: 'Dateien, die nicht gelesen werden konnten',
  treated:
    'Manche Angaben über andere Personen und interne Werte sind unkenntlich gemacht oder weggelassen. metadata.json sagt, welche.',
  proof: 'metadata.json nennt jede Datei mit Größe und SHA-256.',
  categories: {
    profile: 'Profil',
    sign_in_history: 'Anmeldungen',
    consents: 'Einwilligungen',
    business_information: 'Geschäftliche Angaben',
    call_history: 'Anrufe',
    messages: 'Nachrichten',
    usage_data: 'Nutzungsdaten',
    invoices: 'Rechnungen',
    support_tickets: 'Supportanfragen',
    other: 'Weitere Daten',
  },
};

export const LANGUAGES: Readonly<Record<string, Words>> = { en: EN, de: DE };
const FALLBACK = 'en';

/** `asked` (?lang) first, then Accept-Language by its weights; English where nothing fits. */
export function chooseLanguage(asked: string | null, acceptLanguage: string | null): string {
  const wanted = (acceptLanguage ?? '')
    .slice(0, 500)
    .split(',')
    .map((part) => /^\s*([a-z]{1,8})(?:-[a-z0-9-]+)?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*$/i.exec(part))
    .filter((match) => match !== null)
    .map((match) => ({ tag: match[1]!.toLowerCase(), weight: Number(match[2] ?? 1) }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ tag }) => tag);
  const tags = asked === null ? wanted : [asked.toLowerCase().split('-')[0]!, ...wanted];
  return tags.find((tag) => Object.hasOwn(LANGUAGES, tag)) ?? FALLBACK;
}
