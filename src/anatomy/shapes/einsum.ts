import type { Node } from '../../onnx/model';
import { equationOf } from '../../graph/einsum-equation';
import type { Axis } from '../operand';

/**
 * `x @ W` written as an Einsum, W the right operand: the letters that both have are summed over. `perm` brings W to
 * [in …, out …] in the order of x and of the output, the first `rows` axes being inputs.
 */
export const einsumLayer = (node: Node): { readonly perm: readonly number[]; readonly rows: number } | undefined => {
  const equation = equationOf(node);
  if (!equation) {
    return undefined;
  }
  const { left, right, out } = equation;
  const summed = left.filter(letter => right.includes(letter));
  const kept = left.filter(letter => !right.includes(letter));
  const own = right.filter(letter => !left.includes(letter));
  const columns = out.filter(letter => own.includes(letter));
  const rest = out.filter(letter => !own.includes(letter));
  const plain = summed.length > 0 && own.length > 0 && columns.length === own.length && rest.join() === kept.join();
  return plain
    ? { perm: [...summed, ...columns].map(letter => right.indexOf(letter)), rows: summed.length }
    : undefined;
};

/** Of an attention's product: what each axis of its operands and of its output means. */
export interface ProductAxes {
  /** The pattern, or the queries, are the left operand. */
  readonly first: boolean;
  /** Of the queries, or of the values. */
  readonly one: readonly Axis[];
  /** Of the keys, or of z. */
  readonly other: readonly Axis[];
}

/** z[b h q e] = Σ_k pattern[b h q k] · v[b h k e], axes of v and z in any order. */
export const valueAxes = (node: Node, pattern: string): ProductAxes | undefined => {
  const equation = equationOf(node);
  const first = node.inputs[0] === pattern;
  if (!equation || node.inputs[0] === node.inputs[1]) {
    return undefined;
  }
  const [weights, values] = first ? [equation.left, equation.right] : [equation.right, equation.left];
  const [batch, head, query, key] = weights;
  const dim = values.find(letter => !weights.includes(letter));
  return weights.length === 4 && dim !== undefined
    ? named({ batch, head, query, key, dim }, first, [values, key], [equation.out, query])
    : undefined;
};

/** scores[b h q k] = Σ_e q[b h q e] · k[b h k e], axes of q and k in any order. */
export const scoreAxes = (node: Node): ProductAxes | undefined => {
  const equation = equationOf(node);
  if (equation?.out.length !== 4) {
    return undefined;
  }
  const [batch, head, query, key] = equation.out;
  const first = equation.left.includes(query);
  const [queries, keys] = first ? [equation.left, equation.right] : [equation.right, equation.left];
  const dim = queries.find(letter => !equation.out.includes(letter));
  return dim === undefined ? undefined : named({ batch, head, query, key, dim }, first, [queries, query], [keys, key]);
};

type Letters = Readonly<Record<'batch' | 'head' | 'query' | 'key' | 'dim', string>>;

/** Two terms, each with the letter of its positions; undefined unless each has just batch, head, position and dim. */
const named = (
  { batch, head, dim }: Letters,
  first: boolean,
  ...terms: readonly [readonly string[], string][]
): ProductAxes | undefined => {
  const [one, other] = terms.map(([term, pos]) => {
    const names = new Map<string, Axis>([
      [batch, 'batch'],
      [head, 'head'],
      [pos, 'pos'],
      [dim, 'dim']
    ]);
    return term.length === 4 && names.size === 4 ? term.flatMap(letter => names.get(letter) ?? []) : [];
  });
  return one.length === 4 && other.length === 4 ? { first, one, other } : undefined;
};
