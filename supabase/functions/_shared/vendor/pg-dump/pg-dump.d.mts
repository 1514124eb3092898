/** What of emscripten's module postgres/pg-dump.ts uses. */
export interface PgDumpModule {
  readonly ENV: Record<string, string>;
  readonly FS: {
    makedev(major: number, minor: number): number;
    registerDevice(device: number, operations: Record<string, unknown>): void;
    mkdev(path: string, mode: number, device: number): void;
  };
  readonly Asyncify: { whenDone(): Promise<number>; readonly currData: unknown };
  _malloc(size: number): number;
  _main(argc: number, argv: number): number;
  allocateUTF8(text: string): number;
  setValue(pointer: number, value: number, type: 'i32'): void;
}

declare const factory: (options: Record<string, unknown>) => Promise<PgDumpModule>;
export default factory;
