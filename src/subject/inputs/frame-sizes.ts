import { intsAttribute } from '../../anatomy/attributes';
import type { Model, Node } from '../../onnx/model';
import { convolutionOf, isFloat } from './first-convolution';
import type { Dims, Pinned } from './pinned';

/**
 * The model with the sizes of its one input [batch, channels, frames], or [batch, samples], fixed, of which convolutions make tokens: as the
 * graph's own numbers say, or the tensors given, or so many frames that there is a token for each row of the table of positions; without
 * a table as many samples as give some tokens. Undefined without such an input.
 */
export const pinFrames = (model: Model, given: ReadonlyMap<string, Dims>): Pinned | undefined => {
  const found = model.graph.inputs.flatMap(({ name, type }) => {
    const sounds = RANKS.has(type?.shape?.length ?? 0) && isFloat(type!.elementType);
    const first = sounds ? convolutionOf(model, name) : undefined;
    return first?.dims.length === 3 && type?.shape ? [{ name, shape: type.shape, first }] : [];
  });
  const [only, ...more] = found;
  if (only === undefined || more.length > 0) {
    return undefined;
  }
  const { name, shape, first } = only;
  const [batch, channels] = shape;
  const size = sizeOf(model, shape, given.get(name), first.conv);
  if (size === undefined) {
    return undefined;
  }
  const pinned = [
    batch,
    ...(shape.length === SAMPLES ? [] : [typeof channels === 'number' ? channels : first.dims[1]]),
    size.frames
  ];
  const inputs = model.graph.inputs.map(input =>
    input.name === name && input.type ? { ...input, type: { ...input.type, shape: pinned } } : input
  );
  return {
    model: { ...model, graph: { ...model.graph, inputs } },
    sizes: { input: name, shape: pinned, from: size.from }
  };
};

/** Axes of samples; of frames with their channels. */
const SAMPLES = 2;
const RANKS = new Set([SAMPLES, 3]);
/** As a second of sound has in wav2vec 2.0: 16,000 samples in steps of 320. */
const DEFAULT_TOKENS = 50;

interface Frames {
  readonly frames: number;
  readonly from: string;
}

const sizeOf = (model: Model, shape: Dims, given: Dims | undefined, first: Node): Frames | undefined => {
  const [frames, fed] = [shape, given].map(dims => dims?.[shape.length - 1]);
  if (typeof frames === 'number') {
    return { frames, from: 'the graph' };
  }
  if (typeof fed === 'number') {
    return { frames: fed, from: 'the tensors given' };
  }
  const { steps, rows } = behind(model, first);
  if (rows !== undefined) {
    return { frames: rows * steps, from: 'the table of positions' };
  }
  return shape.length === SAMPLES
    ? { frames: DEFAULT_TOKENS * steps, from: `no table of positions: ${DEFAULT_TOKENS * steps} samples by default` }
    : undefined;
};

const MOST_NODES = 200;

/** Frames of one token, and the rows of the one table that is added as it is behind the convolutions. */
const behind = ({ graph }: Model, first: Node): { readonly steps: number; readonly rows?: number } => {
  const tables = new Map(graph.initializers.map(({ name, dims }) => [name, dims]));
  const readers = new Map<string, Node[]>();
  graph.nodes.forEach(node => node.inputs.forEach(input => readers.set(input, [...(readers.get(input) ?? []), node])));
  const queue = [first];
  let steps = 1;
  for (let i = 0; i < queue.length && i < MOST_NODES; i++) {
    const { opType, inputs, outputs } = queue[i];
    const table = opType === 'Add' ? inputs.map(input => tables.get(input)).find(dims => isTable(dims)) : undefined;
    if (table) {
      return { steps, rows: table[table.length - 2] };
    }
    steps *= opType === 'Conv' ? (intsAttribute(queue[i], 'strides')?.[0] ?? 1) : 1;
    queue.push(...outputs.flatMap(output => readers.get(output) ?? []).filter(node => !queue.includes(node)));
  }
  return { steps };
};

/** [rows, width], or [1, rows, width]; not one number a channel. */
const isTable = (dims: readonly number[] | undefined): dims is readonly number[] =>
  (dims?.length === 2 || (dims?.length === 3 && dims[0] === 1)) && dims.slice(-2).every(size => size > 1);
