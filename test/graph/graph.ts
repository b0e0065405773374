import { makeNode, untyped } from '../../src/graph/build';
import type { Graph } from '../../src/onnx/model';

/** A graph from lines 'Op in,in -> out,out'. */
export const graphOf = (inputs: readonly string[], lines: readonly string[], outputs: readonly string[]): Graph => ({
  name: 'g',
  nodes: lines.map(line => {
    const [op, ins, , outs] = line.split(' ');
    return makeNode(op, ins.split(','), outs.split(','));
  }),
  initializers: [],
  inputs: inputs.map(untyped),
  outputs: outputs.map(untyped),
  valueInfos: [],
  metadata: [],
  unknown: new Uint8Array(0)
});

/** The nodes back as lines. */
export const linesOf = (graph: Graph): readonly string[] =>
  graph.nodes.map(node => `${node.opType} ${node.inputs.join()} -> ${node.outputs.join()}`);
