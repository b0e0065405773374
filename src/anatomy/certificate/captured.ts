import type { Tensor } from '../../onnx/tensor';

/** What the probe's runs gave. */
export interface Captured {
  /** What inputs that are read instead of ids were fed, by their names. */
  readonly fed: ReadonlyMap<string, Tensor>;
  /** Hooks in their documented shapes, by their names in full. */
  readonly hooks: ReadonlyMap<string, Tensor>;
  /** The file's own outputs from the untouched and from the observed model. */
  readonly bare: ReadonlyMap<string, Tensor>;
  readonly observed: ReadonlyMap<string, Tensor>;
  /** The logits of the unembedding alone. */
  readonly suffix: ReadonlyMap<string, Tensor>;
}

type Hooks = Captured['hooks'];
type Rows = readonly (readonly number[])[];

/** What further runs gave, for the full certificate. */
export interface Further {
  /** Rows of another length; absent where the file takes one length only. */
  readonly other?: {
    readonly probe: Rows;
    readonly others?: Readonly<Record<string, Rows>>;
    readonly captured: Captured;
  };
  /** Each row of the probe by itself; none where the runtime runs rows one by one anyway. */
  readonly alone: readonly Hooks[];
  /** The probe's first row among padding. */
  readonly padded: readonly Padded[];
  /** A run that got other ids, and the probe's stream in front of the first block; absent where that cannot be set. */
  readonly restarted?: Hooks;
}

export interface Padded {
  readonly side: 'left' | 'right';
  /** Where its own tokens begin. */
  readonly start: number;
  /** The file was told positions that begin with its own tokens. */
  readonly positionsFed: boolean;
  readonly hooks: Hooks;
}
