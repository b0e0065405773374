import type { Model, Node } from '../../onnx/model';
import { ints } from '../attributes';
import { createBuilder, makeNode, type Builder } from '../build';
import { equationOf, type Equation } from '../einsum-equation';
import { topologicalOrder } from '../order';
import { uniqueNames } from '../unique-names';
import { usesOf, type Uses } from '../uses';
import { takenNames } from './taken-names';

/** Σ_s four[b h q s] · three[b s t] → [b h q t], letters in the order of the file. */
interface Shared {
  readonly node: Node;
  readonly four: { readonly tensor: string; readonly letters: readonly string[] };
  readonly three: { readonly tensor: string; readonly letters: readonly string[] };
  readonly out: readonly string[];
  readonly batch: string;
  readonly head: string;
  readonly query: string;
  readonly summed: string;
  readonly own: string;
  /** The other operand is a pattern; else it is queries. */
  readonly values: boolean;
}

/**
 * Keys and values that all heads share, multiplied by an Einsum whose equation has no axis of heads for them (as multi-query
 * attention is written, Shazeer 2019): the same as a matrix product with one head, which is broadcast. Outputs keep their names and values.
 */
export const sharedHeads = (model: Model): Model => {
  const { graph } = model;
  if (!graph.nodes.some(({ opType }) => opType === 'Einsum')) {
    return model;
  }
  const uses = usesOf(graph);
  const constants = new Set(graph.initializers.map(({ name }) => name));
  const found = graph.nodes
    .flatMap(node => sharedOf(node, uses) ?? [])
    .filter(({ three }) => !constants.has(three.tensor));
  if (found.length === 0) {
    return model;
  }
  const builder = createBuilder(uniqueNames(takenNames(graph)));
  const last = new Map(found.map(shared => [shared.node, product(shared, builder)]));
  const made = builder.graph('');
  const nodes = [...graph.nodes.map(node => last.get(node) ?? node), ...made.nodes];
  const initializers = [...graph.initializers, ...made.initializers];
  return { ...model, graph: { ...graph, nodes: topologicalOrder(nodes), initializers } };
};

const sharedOf = (node: Node, uses: Uses): Shared | undefined => {
  const equation = equationOf(node);
  if (!equation || node.inputs[0] === node.inputs[1] || equation.out.length !== 4) {
    return undefined;
  }
  const [left, right] = [equation.left, equation.right].map((letters, i) => ({ letters, tensor: node.inputs[i] }));
  const [four, three] = left.letters.length === 4 ? [left, right] : [right, left];
  const letters =
    four.letters.length === 4 && three.letters.length === 3
      ? lettersOf(equation, four.letters, three.letters)
      : undefined;
  if (!letters) {
    return undefined;
  }
  // Queries and heads are alike in the equation: of scores the output, of values the pattern has heads first.
  const values = isPattern(uses, four.tensor);
  const order = values ? four.letters : equation.out;
  const [head, query] = order.filter(letter => letters.rest.includes(letter));
  return { node, four, three, out: equation.out, ...letters, head, query, values };
};

const lettersOf = (
  { out }: Equation,
  four: readonly string[],
  three: readonly string[]
): { batch: string; summed: string; own: string; rest: readonly string[] } | undefined => {
  const only = (letters: readonly string[]): string | undefined => (letters.length === 1 ? letters[0] : undefined);
  const batch = only(three.filter(letter => four.includes(letter) && out.includes(letter)));
  const summed = only(three.filter(letter => four.includes(letter) && !out.includes(letter)));
  const own = only(three.filter(letter => !four.includes(letter) && out.includes(letter)));
  const rest = four.filter(letter => !three.includes(letter) && out.includes(letter));
  return batch && summed && own && rest.length === 2 ? { batch, summed, own, rest } : undefined;
};

const PASSED = new Set(['Identity', 'Cast', 'Dropout', 'Where', 'Mul']);
const MOST_STEPS = 8;

const isPattern = (uses: Uses, tensor: string): boolean => {
  let at = uses.producer(tensor)?.node;
  for (let step = 0; step < MOST_STEPS && at && PASSED.has(at.opType); step++) {
    at = at.inputs
      .map(input => uses.producer(input)?.node)
      .find(node => node?.opType === 'Softmax' || PASSED.has(node?.opType ?? ''));
  }
  return at?.opType === 'Softmax';
};

/** [b h q s] · [b 1 s t], then the axes in the order of the Einsum's output. */
const product = (
  { node, four, three, out, batch, head, query, summed, own, values }: Shared,
  builder: Builder
): Node => {
  const turned = (tensor: string, from: readonly string[], to: readonly string[]): string =>
    from.join() === to.join()
      ? tensor
      : builder.node(
          'Transpose',
          [tensor],
          [
            ints(
              'perm',
              to.map(letter => from.indexOf(letter))
            )
          ],
          { hint: 'turned' }
        );
  const queries = turned(four.tensor, four.letters, [batch, head, query, summed]);
  // One head beside the positions, as if heads had been parted: keys are [b, t, 1, s], values [b, s, 1, t].
  const rows = values ? [batch, summed, own] : [batch, own, summed];
  const parted = builder.node('Reshape', [turned(three.tensor, three.letters, rows), builder.ints([0, 0, 1, -1])], [], {
    hint: 'one_head'
  });
  const shared = builder.node('Transpose', [parted], [ints('perm', values ? [0, 2, 1, 3] : [0, 2, 3, 1])], {
    hint: 'shared'
  });
  const plain = [batch, head, query, own];
  if (out.join() === plain.join()) {
    return { ...makeNode('MatMul', [queries, shared], node.outputs), name: node.name };
  }
  const multiplied = builder.node('MatMul', [queries, shared], [], { hint: 'by_heads' });
  return {
    ...makeNode('Transpose', [multiplied], node.outputs, [
      ints(
        'perm',
        out.map(letter => plain.indexOf(letter))
      )
    ]),
    name: node.name
  };
};
