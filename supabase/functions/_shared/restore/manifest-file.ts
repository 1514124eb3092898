/** Of a backup's folder. */
export const MANIFEST_FILE = 'manifest.json';

/** A manifest of 100,000 segments has about 50 MB. */
export const MAX_MANIFEST_BYTES = 256 * 1024 * 1024;
