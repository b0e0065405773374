/** A file of external data that is left where it lies: read in parts, or mapped by a runtime that can. */
export interface DataFile {
  /** Of the file itself, no link: a folder, and a name in it. */
  readonly folder: string;
  readonly name: string;
  readonly size: number;
  /** A copy of these bytes. Throws where the file is no longer the one that was opened. */
  read(offset: number, length: number): Uint8Array;
  /** Throws where the file is no longer the one that was opened. */
  check(): void;
  /** Of bytes [start, end), in 32 bytes. */
  sha256(start: number, end: number): Promise<Uint8Array>;
}
