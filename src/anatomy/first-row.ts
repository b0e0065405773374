import type { Node } from '../onnx/model';
import { intAttribute } from './attributes';
import type { Facts } from './facts';

const MOST_DEPTH = 24;

/**
 * Of indices that are computed from places, masks or ids: the one of a row's first token, where no token is padding and there is no past. Undefined
 * where an operator is met that is not understood.
 */
export const firstRow = (facts: Facts, indices: string): number | undefined => valueAt(facts, indices, 0, MOST_DEPTH);

/** `fed`: what an input gives there, a place (0) or a mask (1). */
const valueAt = (facts: Facts, tensor: string, fed: 0 | 1, depth: number): number | undefined => {
  const [known] = facts.values(tensor) ?? facts.numbers(tensor, 1) ?? [];
  const node = facts.producer(tensor);
  if (typeof known === 'number') {
    return known;
  }
  if (known !== undefined || facts.isInput(tensor)) {
    // A size that the file leaves open is that of the past.
    return known === undefined ? fed : 0;
  }
  const compute = node && depth > 0 ? OPERATORS[node.opType] : undefined;
  return compute?.((input, as = fed) => valueAt(facts, node!.inputs[input] ?? '', as, depth - 1), node!);
};

type Operator = (at: (input: number, fed?: 0 | 1) => number | undefined, node: Node) => number | undefined;

const both = (a: number | undefined, b: number | undefined, compute: (a: number, b: number) => number) =>
  a === undefined || b === undefined ? undefined : compute(a, b);

const same: Operator = at => at(0);
const one: Operator = () => 1;

const OPERATORS: Readonly<Record<string, Operator>> = {
  ...Object.fromEntries(
    'Cast Identity Reshape Unsqueeze Squeeze Expand Flatten Range'.split(' ').map(type => [type, same])
  ),
  // Of ids and the one that stands for padding: a mask.
  ...Object.fromEntries('Equal Not Greater'.split(' ').map(type => [type, one])),
  Add: at => both(at(0), at(1), (a, b) => a + b),
  Sub: at => both(at(0), at(1), (a, b) => a - b),
  Mul: at => both(at(0, 1), at(1, 1), (a, b) => a * b),
  CumSum: (at, node) => (intAttribute(node, 'exclusive') === 1 ? 0 : at(0, 1)),
  Slice: at => both(at(0), at(1), (first, start) => first + start)
};
