import type { Model, Node, TensorProto } from '../../onnx/model';
import type { Weights } from '../../onnx/weights';
import { ints } from '../attributes';
import { createBuilder, makeNode, type Builder } from '../build';
import { captures } from '../captures';
import { topologicalOrder } from '../order';
import { uniqueNames } from '../unique-names';
import { usesOf, type Uses } from '../uses';
import { knownForms } from './known-forms';
import { liftHeads, type Lifted } from './lift-heads';
import { takenNames } from './taken-names';

/** As many heads as any model has, with room. */
const MOST_HEADS = 512;

/**
 * Attention written as a loop over modules, one a head, whose outputs are joined (as it is taught: softmax(q·kᵀ)·v for each
 * head, then a Concat), as one attention over an axis of heads. The tensor that the Concat makes keeps its name and values.
 * The same object where nothing is written so, or where the branches differ in more than their weights.
 */
export const joinHeads = (model: Model, weights: Weights): Model => {
  const { graph } = model;
  const uses = usesOf(graph);
  const joins = graph.nodes.filter(node => joinsHeads(node, uses));
  if (joins.length === 0) {
    return model;
  }
  const builder = createBuilder(uniqueNames(takenNames(graph)));
  const forms = knownForms(graph);
  const initialisers = new Map(graph.initializers.map(tensor => [tensor.name, stored(tensor, weights)]));
  const around = { uses, forms, builder, initialiser: (name: string) => initialisers.get(name) };
  const joined = new Map(joins.flatMap(join => replaced(join, liftHeads(around, join.inputs), builder)));
  const made = builder.graph('');
  const nodes = [...graph.nodes.map(node => joined.get(node) ?? node), ...made.nodes];
  const outputs = graph.outputs.map(({ name }) => name);
  return joined.size === 0
    ? model
    : {
        ...model,
        graph: {
          ...graph,
          nodes: topologicalOrder(read(nodes, outputs)),
          initializers: [...graph.initializers, ...made.initializers]
        }
      };
};

/** A Concat along the last axis of products behind a Softmax. */
const joinsHeads = (node: Node, uses: Uses): boolean => {
  const axis = Number(node.attributes.find(({ name }) => name === 'axis')?.i ?? 0);
  return (
    node.opType === 'Concat' &&
    (axis === -1 || axis === 2) &&
    node.inputs.length > 1 &&
    node.inputs.length <= MOST_HEADS &&
    new Set(node.inputs).size === node.inputs.length &&
    node.inputs.every(input => weighsValues(uses.producer(input)?.node, uses))
  );
};

const PASSED = new Set(['Identity', 'Cast', 'Dropout']);

const weighsValues = (product: Node | undefined, uses: Uses): boolean => {
  let at = product?.opType === 'MatMul' ? uses.producer(product.inputs[0])?.node : undefined;
  while (at && PASSED.has(at.opType)) {
    at = uses.producer(at.inputs[0])?.node;
  }
  return at?.opType === 'Softmax';
};

/** z [batch, head, pos, d_head] as the tensor [batch, pos, head · d_head] that the Concat made. */
const replaced = (join: Node, z: Lifted | undefined, builder: Builder): readonly (readonly [Node, Node])[] => {
  if (!z?.headed) {
    return [];
  }
  const turned = builder.node('Transpose', [z.tensor], [ints('perm', [0, 2, 1, 3])], { hint: 'heads_joined' });
  const reshaped = makeNode('Reshape', [turned, builder.ints([0, 0, -1])], join.outputs);
  return [[join, { ...reshaped, name: join.name }]];
};

/** Without the nodes of which no output is read any more. */
const read = (nodes: readonly Node[], outputs: readonly string[]): readonly Node[] => {
  const producers = new Map(nodes.flatMap(node => node.outputs.map(output => [output, node] as const)));
  const seen = new Set<Node>();
  const open = outputs.flatMap(name => producers.get(name) ?? []);
  for (let node = open.pop(); node; node = open.pop()) {
    if (!seen.has(node)) {
      seen.add(node);
      open.push(...[...node.inputs, ...captures(node)].flatMap(name => producers.get(name) ?? []));
    }
  }
  return nodes.filter(node => seen.has(node));
};

const stored = (tensor: TensorProto, weights: Weights): TensorProto => {
  const weight = tensor.data.kind === 'weight' ? weights.get(tensor.name) : undefined;
  return weight ? { ...tensor, data: { kind: 'raw', bytes: weight.bytes } } : tensor;
};
