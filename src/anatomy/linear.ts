import type { Node } from '../onnx/model';
import type { Projection } from './anatomy';
import { floatAttribute, intAttribute, intsAttribute } from './attributes';
import { isBlockLayer, roundedBlock } from './constants/block-weights';
import type { Dim } from './shapes/dims';
import { einsumLayer } from './shapes/einsum';
import { storedAs, type Facts } from './facts';
import type { Norms } from './norms';
import { FLAT_WEIGHTS, LINEAR } from './op-classes';
import { sliceRange, splitSizes } from './shapes/slice-range';

/** `x @ W (+ b)` with a constant W: data are input 0. */
export const isLayer = (facts: Facts, node: Node): boolean =>
  LINEAR.has(node.opType) &&
  facts.isConstant(node.inputs[1]) &&
  !facts.isConstant(node.inputs[0]) &&
  (FLAT_WEIGHTS.has(node.opType) || (facts.shape(node.inputs[1])?.length ?? 2) >= 2) &&
  (node.opType !== 'Einsum' || einsumLayer(node) !== undefined);

/** Operators that a search for a layer walks over. */
export const REARRANGING: ReadonlySet<string> = new Set(
  (
    'Identity Dropout Reshape Transpose Split Slice Squeeze Unsqueeze Expand Gather Mul Add Sub Div Concat Neg Cast Clip Tile Where ' +
    'ScatterElements RotaryEmbedding DynamicQuantizeLinear'
  ).split(' ')
);
const MOST_TENSORS = 60;

/**
 * The layer behind a tensor: backwards over what `over` names, and over norms, breadth first. Its bias and the range of its
 * columns are read off on the way.
 */
export const findProjection = (
  facts: Facts,
  norms: Norms,
  from: string,
  over: ReadonlySet<string> = REARRANGING
): Projection | undefined => {
  const queue: Visit[] = [{ tensor: from }];
  const seen = new Set([from]);
  for (let i = 0; i < queue.length && i < MOST_TENSORS; i++) {
    const visit = queue[i];
    const node = facts.producer(visit.tensor);
    if (node && isLayer(facts, node)) {
      return projection(facts, node, visit);
    }
    for (const next of node ? steps(facts, norms, node, visit, over) : []) {
      if (!seen.has(next.tensor)) {
        seen.add(next.tensor);
        queue.push(next);
      }
    }
  }
  return undefined;
};

/** How far back, and what was seen on the way there. */
interface Visit {
  readonly tensor: string;
  readonly bias?: { readonly name: string; readonly output: string };
  readonly columns?: readonly [number, number];
  readonly perHead?: NonNullable<Projection['perHead']>;
  readonly clip?: NonNullable<Projection['clip']>;
}

const steps = (facts: Facts, norms: Norms, node: Node, visit: Visit, over: ReadonlySet<string>): readonly Visit[] => {
  const norm = norms.get(visit.tensor);
  if (norm) {
    return [{ ...visit, tensor: norm.input }];
  }
  if (!over.has(node.opType)) {
    return [];
  }
  const inputs = ['Gather', 'RotaryEmbedding'].includes(node.opType) ? node.inputs.slice(0, 1) : node.inputs;
  const seen = { ...visit, ...biasOf(facts, node), ...columnsOf(facts, node, visit), ...clipOf(facts, node) };
  return inputs.filter(facts.isActivation).map(tensor => ({ ...seen, tensor }));
};

/** A constant vector added to the layer's output. */
const biasOf = (facts: Facts, node: Node): Pick<Visit, 'bias'> => {
  const constant = node.opType === 'Add' ? node.inputs.find(facts.isConstant) : undefined;
  const name = storedAs(facts, constant);
  const shape = constant === undefined ? undefined : facts.shape(constant);
  // BART's and Marian's logits have theirs as [1, d_vocab].
  const vector =
    shape !== undefined && shape.length > 0 && shape.at(-1) !== 1 && shape.slice(0, -1).every(dim => dim === 1);
  return name && (vector || isHeadwise(shape, facts.shape(node.outputs[0])))
    ? { bias: { name, output: node.outputs[0] } }
    : {};
};

/** Bounds are attributes until opset 10, inputs since. */
const clipOf = (facts: Facts, node: Node): Pick<Visit, 'clip'> => {
  if (node.opType !== 'Clip') {
    return {};
  }
  const bound = (name: 'min' | 'max', input: number): number | undefined => {
    const tensor = node.inputs[input];
    return tensor ? Number(facts.values(tensor)?.[0] ?? NaN) : floatAttribute(node, name);
  };
  const clip = [bound('min', 1) ?? -Infinity, bound('max', 2) ?? Infinity] as const;
  return clip.some(Number.isNaN) ? {} : { clip };
};

/** [head, d_head] added to [batch, pos, head, d_head]. */
const isHeadwise = (bias: readonly Dim[] | undefined, output: readonly Dim[] | undefined): boolean =>
  bias?.length === 2 &&
  output?.length === 4 &&
  bias.every((dim, i) => typeof dim === 'number' && dim === output[i + 2]);

/** What Split, Slice and Gather take of the columns: a range of all of them, or of each head's own. */
const columnsOf = (facts: Facts, node: Node, { tensor }: Visit): Pick<Visit, 'columns' | 'perHead'> => {
  const after = facts.shape(node.inputs[0]);
  const taken = after && RANGES[node.opType]?.(facts, node, tensor, after);
  if (!after || !taken) {
    return {};
  }
  const { shape, axis } = beforeTranspose(facts, node.inputs[0], after, taken.axis);
  const { range } = taken;
  const [outer, dim, inner] = [sizeOf(shape.slice(2, axis)), shape[axis], sizeOf(shape.slice(axis + 1))];
  const last = axis === shape.length - 1;
  if (typeof dim !== 'number' || inner === undefined) {
    return {};
  }
  const [start, end] = range.map(at => at * inner);
  return (last && shape.length <= 3) || (outer === 1 && axis > 1)
    ? { columns: [start, end] }
    : last || outer !== undefined
      ? { perHead: { offset: start, stride: dim * inner, width: end - start } }
      : {};
};

/** The axis as it was before axes were permuted, added or dropped: where the layer's columns still lie in order. */
const beforeTranspose = (facts: Facts, tensor: string, shape: readonly Dim[], axis: number): Placed => {
  let at: Placed & { readonly tensor: string } = { tensor, shape, axis };
  for (let step = 0; step < 6; step++) {
    const node = facts.producer(at.tensor);
    const before = node && facts.shape(node.inputs[0]);
    const from = node && before && axisBefore(facts, node, at.axis, before.length);
    if (!node || !before || from === undefined) {
      break;
    }
    at = { tensor: node.inputs[0], shape: before, axis: from };
  }
  return at;
};

interface Placed {
  readonly shape: readonly Dim[];
  readonly axis: number;
}

/** Which axis of the input an axis of the output was; `rank` is the input's. */
const axisBefore = (facts: Facts, node: Node, axis: number, rank: number): number | undefined => {
  if (node.opType === 'Transpose') {
    return intsAttribute(node, 'perm')?.[axis];
  }
  const axes = intsAttribute(node, 'axes') ?? (node.inputs[1] ? facts.values(node.inputs[1]) : undefined);
  if (!axes || (node.opType !== 'Squeeze' && node.opType !== 'Unsqueeze')) {
    return undefined;
  }
  const longer = node.opType === 'Squeeze' ? rank : rank + axes.length;
  const odd = new Set(axes.map(at => positive(Number(at), longer)));
  const kept = Array.from({ length: longer }, (_, i) => i).filter(i => !odd.has(i));
  const found = node.opType === 'Squeeze' ? kept[axis] : kept.indexOf(axis);
  return found === undefined || found < 0 ? undefined : found;
};

const sizeOf = (dims: readonly Dim[]): number | undefined =>
  dims.every(dim => typeof dim === 'number') ? (dims as number[]).reduce((size, dim) => size * dim, 1) : undefined;

interface Taken {
  readonly axis: number;
  readonly range: readonly [number, number];
}

type TakenOf = (facts: Facts, node: Node, output: string, shape: readonly Dim[]) => Taken | undefined;

const positive = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

const splitRange: TakenOf = (facts, node, output, shape) => {
  const axis = positive(intAttribute(node, 'axis') ?? 0, shape.length);
  const sizes = splitSizes(node, shape[axis], node.inputs[1] ? facts.values(node.inputs[1]) : undefined);
  if (!sizes?.every(size => typeof size === 'number')) {
    return undefined;
  }
  const at = node.outputs.indexOf(output);
  const start = (sizes as number[]).slice(0, at).reduce((sum, size) => sum + size, 0);
  return { axis, range: [start, start + (sizes as number[])[at]] };
};

const sliced: TakenOf = (facts, node, _, shape) => {
  const read = (name: string, input: number): readonly Dim[] | undefined =>
    intsAttribute(node, name) ?? (node.inputs[input] ? facts.values(node.inputs[input]) : undefined);
  const [starts, ends, axes] = [read('starts', 1), read('ends', 2), read('axes', 3)];
  const axis = positive(Number(axes?.[0]), shape.length);
  const range = axes?.length === 1 && starts && ends ? sliceRange(shape[axis], starts[0], ends[0], 1) : undefined;
  return range && !range.all ? { axis, range: [range.start, range.end] } : undefined;
};

const gathered: TakenOf = (facts, node, _, shape) => {
  const [index] = facts.values(node.inputs[1]) ?? [];
  const axis = positive(intAttribute(node, 'axis') ?? 0, shape.length);
  const at = typeof index === 'number' && typeof shape[axis] === 'number' ? positive(index, shape[axis]) : undefined;
  return at === undefined ? undefined : { axis, range: [at, at + 1] };
};

const RANGES: Readonly<Record<string, TakenOf>> = { Split: splitRange, Slice: sliced, Gather: gathered };

/** A layer as a Projection; a Gemm's own bias, or one added behind it. */
export const projection = (facts: Facts, node: Node, visit: Visit): Projection => {
  const { weight, transposed } = storedWeight(facts, node.inputs[1]);
  const inside = OWN_BIAS[node.opType];
  const own = inside ? storedAs(facts, node.inputs[inside]) : undefined;
  const layout = einsumLayer(node);
  const blocks = isBlockLayer(node);
  const rounds = node.opType === 'DynamicQuantizeMatMul' || roundedBlock(node);
  const plain =
    blocks || rounds || layout !== undefined || (['MatMul', 'Gemm'].includes(node.opType) && isPlainGemm(node));
  const bias = own ?? visit.bias?.name;
  return {
    node: node.name,
    input: node.inputs[0],
    output: own ? node.outputs[0] : (visit.bias?.output ?? node.outputs[0]),
    ...(plain && weight !== undefined && { weight }),
    ...(plain && weight !== undefined && bias !== undefined && { bias }),
    transposed: blocks || transposed !== Boolean(intAttribute(node, 'transB')),
    ...(layout && { layout }),
    ...(rounds && { rounds }),
    ...(visit.columns && { columns: visit.columns }),
    ...(visit.perHead && { perHead: visit.perHead }),
    ...(visit.clip && { clip: visit.clip })
  };
};

/** The initialiser, where its numbers are the weight's; else the tensor that the file computes from initialisers. */
const storedWeight = (facts: Facts, tensor: string): { readonly weight?: string; readonly transposed: boolean } => {
  const use = facts.weight(tensor);
  if (use?.exact) {
    return { weight: use.name, transposed: use.transposed };
  }
  return { transposed: false, ...(facts.isConstant(tensor) && { weight: tensor }) };
};

/** The input that is the operator's own bias. */
const OWN_BIAS: Readonly<Record<string, number>> = { Gemm: 2, MatMulNBits: 5, DynamicQuantizeMatMul: 4 };

const isPlainGemm = (node: Node): boolean =>
  (floatAttribute(node, 'alpha') ?? 1) === 1 &&
  (floatAttribute(node, 'beta') ?? 1) === 1 &&
  !intAttribute(node, 'transA');

const FORWARDS = new Set(
  'Transpose Reshape Cast Identity Dropout Mul Squeeze Unsqueeze Concat Slice Split DynamicQuantizeLinear'.split(' ')
);
const MOST_LEVELS = 10;

/** From z forwards to the first layer: W_O, without its bias, which is met on the way to the residual stream. */
export const findOutputLayer = (facts: Facts, norms: Norms, z: string): Node | undefined => {
  let level = [z];
  for (let depth = 0; depth <= MOST_LEVELS && level.length; depth++) {
    const next: string[] = [];
    for (const tensor of level) {
      for (const node of facts.consumers(tensor)) {
        if (isLayer(facts, node) && node.inputs[0] === tensor) {
          return node;
        }
        if (FORWARDS.has(node.opType)) {
          next.push(...node.outputs);
        }
      }
      next.push(...norms.reading(tensor).map(norm => norm.output));
    }
    level = next;
  }
  return undefined;
};

/** What a layer reads, seen through reshapes and transpositions of its rows: where the activation lives in the residual stream. */
export const layerInput = (facts: Facts, tensor: string): string => {
  let at = facts.origin(tensor);
  for (let step = 0; step < 6; step++) {
    const node = facts.producer(at);
    const swapped = node?.opType === 'Transpose' && intsAttribute(node, 'perm')?.join() === '1,0,2';
    if (!node || !(swapped || ['Reshape', 'Flatten', 'DynamicQuantizeLinear'].includes(node.opType))) {
      break;
    }
    at = facts.origin(node.inputs[0]);
  }
  return at;
};
