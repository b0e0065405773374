import type { Projection } from './anatomy';
import { quotient, type Dim } from './shapes/dims';
import type { Facts } from './facts';
import type { HeadSizes } from './hooks';
import type { Layer, Unresolved } from './layer';
import type { Located, Operand } from './operand';

/**
 * Heads and their width: from the shapes that the graph's own constants give; tensors to be seen in a run where they do
 * not. Shapes and weights must agree: a width that is heads · d_head is checked against the layers' columns.
 */
export const headSizes = (facts: Facts, layer: Layer): HeadSizes | Unresolved => {
  const { anchor, operands, projections } = layer;
  const width = outputWidth(facts, projections.q);
  const dHead =
    numeric(facts.shape(anchor.z)?.at(anchor.axes.z?.indexOf('dim') ?? -1)) ??
    numeric(axisSize(facts, operands.v, 'dim')) ??
    axisNumber(facts, operands.q);
  const heads = headCount(facts, anchor.pattern) ?? axisHeads(facts, operands.q) ?? divided(width, dHead);
  const kvWidth = outputWidth(facts, projections.k);
  const kvHeads = axisHeads(facts, operands.k) ?? divided(kvWidth, dHead) ?? (operands.k.repeated ? undefined : heads);
  if (heads === undefined || kvHeads === undefined || dHead === undefined) {
    return { unresolved: [...new Set([anchor.pattern, anchor.z, operands.q.raw.tensor, operands.k.raw.tensor])] };
  }
  const dQuery = layer.latent && numeric(axisOf(facts, operands.q.rotated, 'dim'));
  return { heads, kvHeads, dHead, ...(dQuery && dQuery !== dHead && { dQuery }) };
};

const numeric = (dim: Dim | undefined): number | undefined => (typeof dim === 'number' ? dim : undefined);

const divided = (width: number | undefined, by: number | undefined): number | undefined =>
  width !== undefined && by !== undefined && width % by === 0 ? width / by : undefined;

/** [batch, head, query, key], or [batch · head, query, key]. */
const headCount = (facts: Facts, pattern: string): number | undefined => {
  const shape = facts.shape(pattern);
  if (shape?.length === 4) {
    return numeric(shape[1]);
  }
  const names = typeof shape?.[0] === 'string' ? shape[0].split('*').filter(part => Number.isNaN(Number(part))) : [];
  return names.length === 1 ? numeric(quotient([shape![0]], names)) : undefined;
};

const axisSize = (facts: Facts, { raw }: Operand, axis: 'head' | 'dim'): Dim | undefined => axisOf(facts, raw, axis);

const axisOf = (facts: Facts, located: Located | undefined, axis: 'head' | 'dim'): Dim | undefined => {
  const at = located?.axes.indexOf(axis) ?? -1;
  return at < 0 ? undefined : facts.shape(located!.tensor)?.[at];
};

const axisHeads = (facts: Facts, operand: Operand): number | undefined => numeric(axisSize(facts, operand, 'head'));
const axisNumber = (facts: Facts, operand: Operand): number | undefined => numeric(axisSize(facts, operand, 'dim'));

/** Columns that belong to this projection alone; undefined where several are packed head by head. */
const outputWidth = (facts: Facts, { output, columns, perHead }: Projection): number | undefined =>
  perHead ? undefined : columns ? columns[1] - columns[0] : numeric(facts.shape(output)?.at(-1));
