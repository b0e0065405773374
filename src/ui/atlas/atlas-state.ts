import type { Sorting } from '../../figures/atlas-order';
import type { AtlasCell } from '../../figures/atlas-raster';
import type { AtlasScale } from '../../figures/atlas-scale';

export type Head = Pick<AtlasCell, 'layer' | 'head'>;
export type Pair = Pick<AtlasCell, 'query' | 'key'>;

export const sameHead = (a: Head, b: Head): boolean => a.layer === b.layer && a.head === b.head;

/** What the controls above an atlas say. */
export interface AtlasChoice {
  /** Absent: by layer and head. */
  readonly sorting: Sorting | undefined;
  readonly firstToken: 'shown' | 'hidden' | 'renormalised';
  readonly scale: AtlasScale;
  /** Keys that a causal mask forbids are told apart from those of weight zero. */
  readonly marksMask: boolean;
}
