import type { Block, NormPart, Tower } from '../../anatomy/anatomy';
import { matrix, type Matrix } from '../../maths/matrix';
import type { WeightName } from '../../subject/weights/weight-table';
import type { Subject } from '../../subject/subject';

/** One layer's heads as maps of the residual stream, the norms around them folded in. */
export interface FoldedLayer {
  /** [head], each [d_model, d_head]. */
  readonly q: readonly Matrix[];
  /** [key/value head], each [d_model, d_head]. */
  readonly k: readonly Matrix[];
  readonly v: readonly Matrix[];
  /** [head], each [d_head, d_model]. */
  readonly o: readonly Matrix[];
}

export type HeadPart = keyof FoldedLayer;

/** The key/value head that a query head reads. */
export const kvHeadOf = ({ heads, kvHeads }: Tower, head: number): number => Math.floor((head * kvHeads) / heads);

const NAMES = { q: 'W_Q', k: 'W_K', v: 'W_V', o: 'W_O' } as const satisfies Record<HeadPart, WeightName>;

/** Why heads' weights cannot be read as maps of the stream, or undefined when they can. */
export function refusesFolding({ tower, weights }: Subject): string | undefined {
  const parts = Object.keys(NAMES) as HeadPart[];
  for (const [layer, block] of tower.blocks.entries()) {
    const lacking = parts.find(part => block.attention[part].weight === undefined);
    if (lacking !== undefined) {
      return `layer ${layer} does not store ${NAMES[lacking]} as numbers that are understood`;
    }
    if (block.attention.outScale?.weight !== undefined) {
      return `layer ${layer} multiplies each feature of what its heads write by a number of its own`;
    }
    const shifted = block.norms.find(({ weight, bias }) => weight === undefined && bias !== undefined);
    if (shifted) {
      return `the norm ${shifted.role} of layer ${layer} has a bias but no weight that is understood`;
    }
  }
  const lacking = tower.blocks.length === 0 ? 'W_Q' : Object.values(NAMES).find(name => !weights.names.includes(name));
  return lacking && `${lacking} is not stored as numbers that are understood`;
}

/**
 * As TransformerLens's fold_ln: reading weights W ↦ diag(w)·W of the norm in front, less each column's mean over d_model where it is a layer norm (the norm's scale is
 * left out: it belongs to the activation). A norm behind the heads is folded into W_O, one of queries or keys into those. Biases are left out.
 *
 * The norms of post-norm blocks stand between two layers: with `whole` the weights are maps of the stream as it begins and as it ends, the linear parts of all
 * norms on the direct way folded in; without it, of the stream as the block itself reads it and adds to it (see `passNorms`).
 */
export function foldedLayer(
  subject: Subject,
  layer: number,
  parts: readonly HeadPart[],
  way: 'own' | 'whole' = 'own'
): FoldedLayer {
  const { tower } = subject;
  const block = tower.blocks[layer];
  const isPost = tower.norm.placement === 'post';
  const read = (part: HeadPart): readonly Matrix[] => {
    if (!parts.includes(part)) {
      return [];
    }
    const matrices = headsOf(subject, NAMES[part], layer);
    if (part === 'o') {
      foldColumns(matrices, normOf(subject, block, layer, 'ln1_post'));
      const factor = block.attention.outScale?.factor ?? 1;
      matrices.forEach(({ data }) => data.forEach((value, at) => (data[at] = value * factor)));
      if (way === 'whole') {
        passNorms(subject, matrices, layer, tower.layers);
      }
      return matrices;
    }
    if (!isPost) {
      foldRows(matrices, normOf(subject, block, layer, 'ln1'));
    } else if (way === 'whole') {
      for (let earlier = layer - 1; earlier >= 0; earlier--) {
        postNorms(subject, earlier)
          .reverse()
          .forEach(norm => foldRows(matrices, norm));
      }
    }
    if (part !== 'v') {
      foldColumns(matrices, normOf(subject, block, layer, part === 'q' ? 'q_norm' : 'k_norm'));
    }
    return matrices;
  };
  return { q: read('q'), k: read('k'), v: read('v'), o: read('o') };
}

/** Whether weights become maps between layers only with the norms that stand there. */
export const hasPostNorms = ({ tower }: Subject): boolean => tower.norm.placement === 'post';

/** The norms of a post-norm block, in the order of the way through it; none of other blocks. */
const postNorms = (subject: Subject, layer: number): Fold[] =>
  hasPostNorms(subject)
    ? (['ln1', 'ln2'] as const).flatMap(role => normOf(subject, subject.tower.blocks[layer], layer, role) ?? [])
    : [];

/** In place: rows written to the stream of layer `from`, as layer `to` reads them: through the linear parts of the norms of post-norm blocks between. */
export function passNorms(subject: Subject, matrices: readonly Matrix[], from: number, to: number): void {
  for (let layer = from; layer < to; layer++) {
    postNorms(subject, layer).forEach(norm => foldColumns(matrices, norm));
  }
}

/** Each head's part of a weight, in double precision. */
function headsOf({ weights }: Subject, name: WeightName, layer: number): Matrix[] {
  const { dims, data } = weights.read(name, { layers: [layer] });
  const [, heads, rows, columns] = dims;
  const size = rows * columns;
  const values = data as Float32Array;
  return Array.from({ length: heads }, (_, head) =>
    matrix(rows, columns, values.subarray(head * size, (head + 1) * size))
  );
}

/** A norm as a diagonal. */
interface Fold {
  readonly weight?: Float32Array;
  readonly centred: boolean;
  readonly role: NormPart['role'];
}

function normOf(
  { weights }: Subject,
  block: Block,
  layer: number,
  role: 'ln1' | 'ln2' | 'ln1_post' | 'q_norm' | 'k_norm'
): Fold | undefined {
  const part = block.norms.find(one => one.role === role);
  return (
    part && {
      role,
      centred: part.kind === 'layer',
      ...(part.weight !== undefined && {
        weight: weights.read(`${role}.w`, { layers: [layer] }).data as Float32Array
      })
    }
  );
}

/** diag(w)·M, in place; a layer norm takes its input's mean away first: Σ over rows of each column becomes 0. */
function foldRows(matrices: readonly Matrix[], norm: Fold | undefined): void {
  for (const { rows, columns, data } of norm ? matrices : []) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let at = column, row = 0; row < rows; row++, at += columns) {
        data[at] *= norm!.weight?.[row] ?? 1;
        sum += data[at];
      }
      for (let at = column; norm!.centred && at < data.length; at += columns) {
        data[at] -= sum / rows;
      }
    }
  }
}

/** M·diag(w), in place; its rows are centred first where the norm is a layer norm. The norm is over a head's columns, or over those of all heads. */
function foldColumns(matrices: readonly Matrix[], norm: Fold | undefined): void {
  if (norm === undefined) {
    return;
  }
  const { columns } = matrices[0];
  const width = norm.weight?.length ?? columns;
  const across = width !== columns;
  if (across && (norm.centred || width !== columns * matrices.length)) {
    throw new Error(`norm not folded: '${norm.role}' has ${width} weights for ${matrices.length} heads of ${columns}`);
  }
  for (const [head, { rows, data }] of matrices.entries()) {
    for (let row = 0; row < rows; row++) {
      const line = data.subarray(row * columns, (row + 1) * columns);
      const mean = norm.centred ? line.reduce((sum, value) => sum + value, 0) / columns : 0;
      line.forEach(
        (value, at) => (line[at] = (value - mean) * (norm.weight?.[(across ? head * columns : 0) + at] ?? 1))
      );
    }
  }
}
