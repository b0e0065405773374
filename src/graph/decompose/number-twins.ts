import type { Model, Node } from '../../onnx/model';
import { makeNode } from '../build';
import { gridOf, integerOperator, sameGrid, type Grid, type IntegerOperand } from '../integer-operators';
import { topologicalOrder } from '../order';
import { uniqueNames } from '../unique-names';
import { usesOf, type Uses } from '../uses';
import { takenNames } from './taken-names';

/** A tensor of integers as numbers. */
interface Twin {
  readonly numbers: string;
  readonly grid: Grid;
  readonly attributes: Node['attributes'];
}

/** What moves elements and leaves them as they are: the same of numbers as of integers. */
const MOVES = new Set('Transpose Reshape Squeeze Unsqueeze Flatten Split Slice Gather Expand Identity Tile'.split(' '));

/**
 * Files with rounded activations (static quantisation): every tensor of integers gets one tensor of numbers, dequantised, that whatever reads it
 * reads: operators on numbers themselves, operators on integers what is quantised of it again, which gives the same integers. So each
 * activation is a tensor of numbers that can be seen and replaced, and everything is computed as the file does, bit for bit.
 */
export const numberTwins = (model: Model): Model => {
  const { graph } = model;
  const rounds = graph.nodes.some(node => node.opType === 'QuantizeLinear' || integerOperator(node));
  return rounds ? { ...model, graph: { ...graph, nodes: rewritten(model) } } : model;
};

const rewritten = ({ graph }: Model): readonly Node[] => {
  const made = writer(graph, usesOf(graph));
  topologicalOrder(graph.nodes).forEach(made.add);
  return made.nodes;
};

const writer = (graph: Model['graph'], uses: Uses): { add(node: Node): void; readonly nodes: readonly Node[] } => {
  const nodes: Node[] = [];
  const unique = uniqueNames(takenNames(graph));
  const stored = new Set(graph.initializers.map(({ name }) => name));
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const twins = new Map<string, Twin>();
  const requantised = new Map<string, string>();
  const renamed = new Map<string, string>();
  const constants = new Map<string, string>();

  const isStored = (tensor: string): boolean => stored.has(tensor) || uses.producer(tensor)?.node.opType === 'Constant';
  /** The output of the file's own DequantizeLinear, where there is one. */
  const nameOf = (integers: string, grid: Grid): string => {
    const own = uses
      .consumers(integers)
      .find(({ node }) => node.opType === 'DequantizeLinear' && sameGrid(gridOf(node), grid));
    return own?.node.outputs[0] ?? unique(`${integers}/numbers`);
  };
  const dequantise = (from: string, { scale, zero }: Grid, attributes: Node['attributes'], to: string): void => {
    nodes.push(makeNode('DequantizeLinear', [from, scale, ...(zero ? [zero] : [])], [to], attributes));
  };
  const twinOf = (integers: string, grid: Grid, attributes: Node['attributes'] = []): Twin => {
    const known = twins.get(integers);
    if (known) {
      return known;
    }
    const twin = { numbers: nameOf(integers, grid), grid, attributes };
    dequantise(integers, grid, attributes, twin.numbers);
    twins.set(integers, twin);
    return twin;
  };
  const integersOf = ({ numbers, grid: { scale, zero }, attributes }: Twin): string => {
    const known = requantised.get(numbers) ?? unique(`${numbers}/integers`);
    if (!requantised.has(numbers)) {
      nodes.push(makeNode('QuantizeLinear', [numbers, scale, ...(zero ? [zero] : [])], [known], attributes));
      requantised.set(numbers, known);
    }
    return known;
  };
  /** As a reader that knows of no twins has it. */
  const read = (tensor: string): string => {
    const twin = twins.get(tensor);
    return twin ? integersOf(twin) : (renamed.get(tensor) ?? tensor);
  };
  const plainly = (node: Node): void => {
    nodes.push({ ...node, inputs: node.inputs.map(read) });
  };

  /** A weight as numbers, for whoever reads the file: no run needs it. */
  const constant = ({ tensor, ...grid }: IntegerOperand, attributes: Node['attributes']): void => {
    const key = [tensor, grid.scale, grid.zero].join('\n');
    if (!constants.has(key)) {
      const to = unique(`${tensor}/numbers`);
      dequantise(tensor, grid, attributes, to);
      constants.set(key, to);
    }
  };
  const addOperator = (node: Node, found: NonNullable<ReturnType<typeof integerOperator>>): void => {
    const operands = found.operands.filter(operand => typeof operand !== 'string');
    operands.filter(({ tensor }) => isStored(tensor)).forEach(operand => constant(operand, columns(node)));
    const fresh = new Map(
      operands
        .filter(({ tensor }) => !isStored(tensor))
        .map(operand => [operand.tensor, integersOf(twinOf(operand.tensor, operand))])
    );
    if (found.bias !== undefined) {
      const [a, b] = operands;
      const scale = unique(`${found.bias}/scale`);
      nodes.push(makeNode('Mul', [a.scale, b.scale], [scale]));
      dequantise(found.bias, { scale, zero: '' }, axis(0), unique(`${found.bias}/numbers`));
    }
    nodes.push({ ...node, inputs: node.inputs.map(input => fresh.get(input) ?? read(input)) });
    if (found.result) {
      twinOf(node.outputs[0], found.result);
    }
  };
  const addMove = (node: Node, { numbers, grid, attributes }: Twin): void => {
    const to = node.outputs.map(output => (output === '' ? '' : nameOf(output, grid)));
    nodes.push({ ...node, inputs: [numbers, ...node.inputs.slice(1).map(read)], outputs: to });
    node.outputs.forEach((output, i) => twins.set(output, { numbers: to[i], grid, attributes }));
    node.outputs
      .filter(output => outputs.has(output))
      .forEach(output => {
        nodes.push(makeNode('Identity', [integersOf(twins.get(output)!)], [output]));
      });
  };
  const addDequantised = (node: Node): void => {
    const [integers] = node.inputs;
    const [output] = node.outputs;
    if (isStored(integers)) {
      return plainly(node);
    }
    const twin = twinOf(integers, gridOf(node), node.attributes);
    const captured = uses.consumers(output).some(({ slot }) => slot < 0);
    if (!sameGrid(twin.grid, gridOf(node))) {
      plainly(node);
    } else if (twin.numbers !== output && (outputs.has(output) || captured)) {
      nodes.push(makeNode('Identity', [twin.numbers], [output]));
    } else if (twin.numbers !== output) {
      renamed.set(output, twin.numbers);
    }
  };

  const add = (node: Node): void => {
    const found = integerOperator(node);
    const twin = twins.get(node.inputs[0]);
    if (node.opType === 'QuantizeLinear') {
      plainly(node);
      twinOf(node.outputs[0], gridOf(node), axisOf(node));
    } else if (node.opType === 'DequantizeLinear') {
      addDequantised(node);
    } else if (found) {
      addOperator(node, found);
    } else if (twin && node.opType === 'Shape') {
      nodes.push({ ...node, inputs: [twin.numbers] });
    } else if (twin && MOVES.has(node.opType)) {
      addMove(node, twin);
    } else {
      plainly(node);
    }
  };
  return { add, nodes };
};

const axisOf = ({ attributes }: Node): Node['attributes'] =>
  attributes.filter(({ name }) => name === 'axis' || name === 'block_size');

const axis = (i: number): Node['attributes'] => [{ name: 'axis', type: 2, i, unknown: new Uint8Array(0) }];

/** Scales of a weight lie along its outputs: filters of a convolution, columns of a matrix. */
const columns = ({ opType, attributes }: Node): Node['attributes'] => {
  const transposed = attributes.some(({ name, i }) => name === 'transB' && Number(i) === 1);
  return axis(opType === 'QLinearConv' || transposed ? 0 : 1);
};
