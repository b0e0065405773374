import type { Tensor } from '../onnx/tensor';

/** What the probe's runs gave. */
export interface Captured {
  /** Hooks in their documented shapes, by their names in full. */
  readonly hooks: ReadonlyMap<string, Tensor>;
  /** The file's own outputs from the untouched and from the observed model. */
  readonly bare: ReadonlyMap<string, Tensor>;
  readonly observed: ReadonlyMap<string, Tensor>;
  /** The logits of the unembedding alone. */
  readonly suffix: ReadonlyMap<string, Tensor>;
}
