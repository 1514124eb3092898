export const CODECS = ['zstd', 'gzip', 'none'] as const;
export type CodecName = (typeof CODECS)[number];

/** What a segment holds: COPY text, the envelope of the seeds' JSON exports, or CSV with a header. */
export const FORMATS = ['copy', 'json', 'csv'] as const;
export type FormatName = (typeof FORMATS)[number];
