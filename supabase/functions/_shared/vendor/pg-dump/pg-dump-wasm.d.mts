/** pg-dump.wasm, gzipped, base64. */
export declare const GZIPPED_WASM: string;
