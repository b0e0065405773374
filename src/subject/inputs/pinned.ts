import type { Model } from '../../onnx/model';

/** The sizes that a run's pixels, embeddings or features have, and where they are from. */
export interface ContentSizes {
  readonly input: string;
  /** As the file declares it, open sizes but the first replaced. */
  readonly shape: readonly (number | string)[];
  /** What tells them: 'the graph', 'config.json', … */
  readonly from: string;
}

export interface Pinned {
  readonly model: Model;
  readonly sizes?: ContentSizes;
}

export type Dims = readonly (number | string)[];
