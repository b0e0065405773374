/** The source of the cell that an output stands under. */
export interface CellSource {
  get(): string;
  set(text: string): void;
}

/** Another output of this extension in the same notebook. */
export interface Sibling {
  /** Place of its cell, from 1. */
  readonly cell: number;
  /** What it holds of our type, unchecked. */
  readonly content: unknown;
}

/** What an output can do with the notebook that it stands in. */
export interface OutputPlace {
  readonly source: CellSource;
  /** Makes its cell the active one, below which others are inserted. */
  activate(): void;
  /** Shows the cell's outputs in a tab of their own; absent where the host has no such view. */
  readonly openInTab?: () => void;
  siblings(): readonly Sibling[];
  /** Whether the file can be written. */
  readonly writable: boolean;
  /** Calls `listener` when saving failed; the function returned ends that. */
  onSaveFailed(listener: () => void): () => void;
}
