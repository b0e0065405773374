import type { Anatomy, Tower } from '../anatomy/anatomy';
import type { Dim } from '../anatomy/shapes/dims';
import { collectFacts, type Facts, type Observed } from '../anatomy/facts';
import { SIZE_ONLY, TRANSPARENT } from '../anatomy/op-classes';
import { captures } from '../graph/captures';
import type { Model, Node } from '../onnx/model';
import type { Weights } from '../onnx/weights';

/** What flows where in a model: read by all cuts of it. */
export interface GraphFlow {
  readonly model: Model;
  /** In topological order. */
  readonly nodes: readonly Node[];
  producer(tensor: string): Node | undefined;
  /** Depends on initialisers alone. */
  isConstant(tensor: string): boolean;
  /** Depends on the residual stream's values, not merely on their size. */
  isStream(tensor: string): boolean;
  /** The elements of a tensor of sizes: whole numbers and products of the inputs' sizes; undefined where one is not known. */
  sizes(tensor: string): { readonly values: readonly Dim[]; readonly rank: number } | undefined;
  /** The symbolic shape of an input, in whose names `sizes` speaks. */
  inputShape(input: string): readonly Dim[] | undefined;
  shape(tensor: string): readonly Dim[] | undefined;
  /** Looks backwards through nodes that keep the values. */
  origin(tensor: string): string;
}

/** Everything a node reads, also inside its sub-graphs. */
export const reads = (node: Node): readonly string[] => [...node.inputs.filter(Boolean), ...captures(node)];

export const graphFlow = (model: Model, weights: Weights, anatomy: Anatomy): GraphFlow => {
  const facts = collectFacts(model, weights, hookShapes(collectFacts(model, weights), anatomy));
  const { nodes } = model.graph;
  const producers = new Map(nodes.flatMap(node => node.outputs.map(output => [output, node] as const)));
  const constants = new Set(model.graph.initializers.map(({ name }) => name));
  const stream = new Set(anatomy.towers.flatMap(startOf));
  for (const node of nodes) {
    const inputs = reads(node);
    if (inputs.every(name => constants.has(name))) {
      node.outputs.forEach(name => constants.add(name));
    } else if (!SIZE_ONLY.has(node.opType) && inputs.some(name => stream.has(name))) {
      node.outputs.forEach(name => stream.add(name));
    }
  }
  return {
    model,
    nodes,
    producer: tensor => producers.get(tensor),
    isConstant: tensor => constants.has(tensor),
    isStream: tensor => stream.has(tensor),
    sizes: tensor => {
      const [values, shape] = [facts.values(tensor), facts.shape(tensor)];
      return values && shape && !values.includes(null) ? { values, rank: shape.length } : undefined;
    },
    inputShape: input => facts.shape(input),
    shape: tensor => facts.shape(tensor),
    origin: tensor => {
      let at = tensor;
      for (let node = producers.get(at); node && TRANSPARENT.has(node.opType); node = producers.get(at)) {
        at = node.inputs[0];
      }
      return at;
    }
  };
};

const startOf = ({ blocks: [first] }: Tower): readonly string[] => (first ? [first.residPre] : []);

/** A hook has its documented shape, whatever the graph tells of it; sizes in the names of the ids' own. */
const hookShapes = ({ shape }: Facts, { hooks, inputs }: Anatomy): Observed => {
  const first = inputs.find(({ role }) => role === 'ids')?.name ?? '';
  const plain = hooks.filter(({ status, source }) => status === 'verified' && source?.steps.length === 0);
  return new Map(
    plain.flatMap(({ positions = first, keyPositions = positions, source, shape: sizes }) => {
      const [ids, keys] = [shape(positions), shape(keyPositions)];
      if (ids?.length !== 2 || ids.includes(null) || !keys) {
        return [];
      }
      const named: Readonly<Record<string, Dim>> = { batch: ids[0], pos: ids[1], query_pos: ids[1], key_pos: keys[1] };
      return [[source!.tensor, sizes.map(size => (typeof size === 'number' ? size : named[size]))]];
    })
  );
};
