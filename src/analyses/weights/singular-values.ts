import { linearAlgebra } from '../../maths/linear-algebra';
import type { Subject } from '../../subject/subject';
import type { SpectrumRow } from './matrix-spectrum';
import { spectrumOf } from './matrix-spectrum';
import { weightMatrices } from './weight-matrices';

/** One map of the model, the heads of a layer side by side. */
export interface SingularValues extends Pick<
  SpectrumRow,
  'rows' | 'columns' | 'rank' | 'stableRank' | 'effectiveRank'
> {
  /** Above the rounding of single precision, largest first. */
  readonly values: readonly number[];
}

/** Single precision numbers that are read at once. */
const PART_BYTES = 2 ** 25;
/** Sides of WᵀW: the decomposition takes about a second at 1,000 and grows with the third power. */
const LARGEST_SIDE = 4096;

/**
 * Singular values of 'W_Q', 'W_in', … of a layer, or of 'W_E', 'W_pos', 'W_U' where no layer is given. Throws for a map that the model
 * does not have or that is too large.
 */
export async function singularValues(
  subject: Subject,
  kind: string,
  layer: number | undefined,
  signal: AbortSignal
): Promise<SingularValues> {
  const all = weightMatrices(subject, layer === undefined ? [] : [layer], layer === undefined);
  const found = all.find(one => one.kind === kind);
  if (!found) {
    throw new Error(
      `weight missing: '${kind}'${layer === undefined ? '' : ` of layer ${layer}`} is no map of this model`
    );
  }
  const algebra = await linearAlgebra();
  const between = async (): Promise<void> => {
    await new Promise(resolve => setTimeout(resolve));
    signal.throwIfAborted();
  };
  const { row, eigenvalues } = await spectrumOf(bounded(found.name, found.parts(PART_BYTES)), algebra, between);
  const { rows, columns, rank, stableRank, effectiveRank } = row;
  return { rows, columns, rank, stableRank, effectiveRank, values: Array.from(eigenvalues, Math.sqrt) };
}

function* bounded(
  name: string,
  parts: ReturnType<ReturnType<typeof weightMatrices>[number]['parts']>
): ReturnType<ReturnType<typeof weightMatrices>[number]['parts']> {
  for (const part of parts) {
    const side = Math.min(part.rows, part.columns);
    if (side > LARGEST_SIDE) {
      throw new Error(
        `weight too large: '${name}' has ${part.rows} × ${part.columns}, a side of at most ${LARGEST_SIDE}`
      );
    }
    yield part;
  }
}
