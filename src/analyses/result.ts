/** Arrays in results, as saved in a notebook. */
export interface ResultTensor {
  readonly dims: readonly string[];
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'uint8' | 'int32';
  /** Base64, little-endian. `deflate` marks a zlib stream inside. */
  readonly data: string;
  readonly encoding?: 'deflate';
  readonly unit?: string;
  /** How a stored integer becomes the value: 'square-root' means (stored / 255)², 'signed-square-root' ± ((stored − 128) / 127)². Absent: the value itself. */
  readonly scale?: 'square-root' | 'signed-square-root';
}

/** Ragged or labelled data. */
export interface ResultTable {
  readonly columns: Readonly<Record<string, readonly (string | number | null)[]>>;
}
