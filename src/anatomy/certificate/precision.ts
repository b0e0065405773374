import type { Model, Node } from '../../onnx/model';
import { intAttribute } from '../attributes';
import { constantTensors } from '../constants/numbers';
import { elementTypes } from '../element-types';

/** How many significant bits a number is rounded to: 24, 11 or 8. */
export type Precision = 'float32' | 'float16' | 'bfloat16';

export const coarsest = (found: Iterable<Precision>): Precision => {
  const all = new Set(found);
  return all.has('bfloat16') ? 'bfloat16' : all.has('float16') ? 'float16' : 'float32';
};

const FLOAT = 1;
const FLOAT16 = 10;
const DOUBLE = 11;
const BFLOAT16 = 16;

const named = (type: number | undefined): Precision =>
  type === FLOAT16 ? 'float16' : type === BFLOAT16 ? 'bfloat16' : 'float32';

/** Of weights in blocks, by operator: where the packed numbers and their scales are. */
const BLOCKS: Readonly<Record<string, readonly [packed: number, scales: number]>> = {
  MatMulNBits: [1, 2],
  MatMulBnb4: [1, 2],
  GatherBlockQuantized: [0, 2]
};

const ARITHMETIC = new Set(['Mul', 'Add', 'Sub', 'Div', 'DequantizeLinear']);
/** Longer chains from an initialiser to a weight are not followed. */
const MOST_STEPS = 32;

/**
 * What a tensor was rounded to where the file computes with it. A weight stored as float16 that is cast to float32 before it is
 * used is exact; one that is dequantised or multiplied in float16 is not; an activation that is cast to float32 keeps the
 * rounding that it had.
 */
export const precisionOf = (model: Model): ((tensor: string) => Precision) => {
  const { nodes } = model.graph;
  const stored = constantTensors(model);
  const producers = new Map(nodes.flatMap(node => node.outputs.map(output => [output, node] as const)));
  const types = elementTypes(model);
  const computed = (tensor: string): Precision => named(types.get(tensor));
  const scales = new Map(
    nodes.flatMap(({ opType, inputs }) => {
      const [packed, factors] = BLOCKS[opType] ?? [];
      return packed === undefined ? [] : [[inputs[packed], inputs[factors]] as const];
    })
  );
  const widened = onlyWidened(nodes);
  const read = (tensor: string): Precision => (widened.has(tensor) ? 'float32' : computed(tensor));
  return remembered(tensor => {
    const factors = scales.get(tensor);
    const node = producers.get(tensor);
    if (factors !== undefined || node === undefined || stored.has(tensor)) {
      return read(factors ?? tensor);
    }
    const before = node.opType === 'Cast' && !stored.has(node.inputs[0]) ? [computed(node.inputs[0])] : [];
    return coarsest([computed(tensor), ...before, ...chain(tensor, producers).map(computed)]);
  });
};

const remembered = (find: (tensor: string) => Precision): ((tensor: string) => Precision) => {
  const known = new Map<string, Precision>();
  return tensor => {
    const found = known.get(tensor) ?? find(tensor);
    known.set(tensor, found);
    return found;
  };
};

/** Stored tensors that are cast to float32 or float64, and not otherwise read. */
const onlyWidened = (nodes: readonly Node[]): ReadonlySet<string> => {
  const cast = new Set<string>();
  const other = new Set<string>();
  for (const node of nodes) {
    const to = node.opType === 'Cast' ? intAttribute(node, 'to') : undefined;
    node.inputs.forEach(input => (to === FLOAT || to === DOUBLE ? cast : other).add(input));
  }
  return new Set([...cast].filter(name => !other.has(name)));
};

/** Results of arithmetic on the way from initialisers to a weight; none for what depends on more than initialisers. */
const chain = (tensor: string, producers: ReadonlyMap<string, Node>): readonly string[] => {
  const queue = [tensor];
  const rounded: string[] = [];
  for (let i = 0; i < queue.length; i++) {
    const node = producers.get(queue[i]);
    if (node && !CONSTANT_CHAIN.has(node.opType)) {
      return [];
    }
    if (queue.length > MOST_STEPS) {
      return [];
    }
    if (node && ARITHMETIC.has(node.opType)) {
      rounded.push(queue[i]);
    }
    queue.push(...(node?.inputs ?? []).filter(input => input !== '' && !queue.includes(input)));
  }
  return rounded;
};

const CONSTANT_CHAIN = new Set([...ARITHMETIC, 'Cast', 'Reshape', 'Transpose', 'Identity', 'Constant']);
