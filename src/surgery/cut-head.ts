import type { Anatomy, Tower } from '../anatomy/anatomy';
import { headWay } from '../anatomy/head-way';
import { elementType } from '../onnx/element-type';
import type { Graph, Model, Node, ValueInfo } from '../onnx/model';

/** Final norm and unembedding, or a classifier, as a model of their own. */
export interface CutHead {
  readonly model: Model;
  /** The input that takes the residual stream [batch, pos, d_model]. */
  readonly residual: string;
  /** The model's own inputs that sizes are read from; feed them for the same batch and positions. */
  readonly inputs: readonly string[];
  readonly logits: string;
}

/**
 * The nodes of the file between a tower's residual stream and its logits or classes, and nothing else; weights keep their names, so that
 * the same store serves. Throws where there is no unembedding, or where it reads the blocks past the stream.
 */
export const cutHead = (model: Model, anatomy: Anatomy, tower: Tower): CutHead => {
  const way = headWay(tower);
  if (!way) {
    throw new Error(`unembedding missing: tower '${tower.name}' of graph '${model.graph.name}' has none`);
  }
  const stream = new Set(streamTensors(anatomy));
  const nodes = nodesBehind(model.graph, way.output, way.input, stream);
  const produced = new Set(nodes.flatMap(node => node.outputs));
  const [block] = tower.blocks;
  if (produced.has(block.attention.pattern) || produced.has(tower.embedding?.tokens ?? '')) {
    throw new Error(
      `unembedding cannot be cut off: '${way.output}' depends on the blocks otherwise than by the stream '${way.input}'`
    );
  }
  const read = new Set(nodes.flatMap(node => node.inputs));
  const { graph } = model;
  const initializers = graph.initializers.filter(tensor => read.has(tensor.name));
  const inputs = graph.inputs.filter(
    ({ name }) => read.has(name) && !initializers.some(tensor => tensor.name === name)
  );
  const residual: ValueInfo = {
    name: way.input,
    type: {
      elementType: streamType(graph, way.weight),
      shape: ['batch', 'pos', tower.dModel]
    },
    unknown: graph.unknown.subarray(0, 0)
  };
  return {
    model: {
      ...model,
      graph: {
        ...graph,
        nodes,
        initializers,
        inputs: [residual, ...inputs],
        outputs: graph.outputs.filter(({ name }) => name === way.output),
        valueInfos: []
      }
    },
    residual: way.input,
    inputs: inputs.map(({ name }) => name),
    logits: way.output
  };
};

/** Tensors that have the stream's shape: a size read off one of them can be read off the residual. */
const streamTensors = ({ hooks }: Anatomy): readonly string[] =>
  hooks.flatMap(({ dims, source }) => (dims[2] === 'd_model' && source?.steps.length === 0 ? [source.tensor] : []));

/** In the file's order. */
const nodesBehind = (graph: Graph, from: string, stop: string, stream: ReadonlySet<string>): readonly Node[] => {
  const producers = new Map(graph.nodes.flatMap(node => node.outputs.map(output => [output, node] as const)));
  const kept = new Map<Node, Node>();
  const queue = [from];
  for (let i = 0; i < queue.length; i++) {
    const node = queue[i] === stop ? undefined : producers.get(queue[i]);
    if (node && !kept.has(node)) {
      const inputs = node.opType === 'Shape' && stream.has(node.inputs[0]) ? [stop] : node.inputs;
      kept.set(node, { ...node, inputs });
      queue.push(...inputs);
    }
  }
  return graph.nodes.flatMap(node => kept.get(node) ?? []);
};

const FLOAT32 = 1;

/** The type of the weight that meets the stream, after a Cast where it is stored in another, if it is one that can be fed. */
const streamType = ({ initializers, nodes }: Graph, weight: string | undefined): number => {
  const cast = nodes.find(({ opType, inputs }) => opType === 'Cast' && inputs[0] === weight);
  const type =
    cast?.attributes.find(({ name }) => name === 'to')?.i ?? initializers.find(({ name }) => name === weight)?.dataType;
  return elementType(Number(type))?.name.startsWith('float') ? Number(type) : FLOAT32;
};
