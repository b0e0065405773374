import { toFloat64 } from '../../src/onnx/decode-tensor';
import type { Model, Node } from '../../src/onnx/model';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { openMatrixModel } from '../anatomy/fixtures';
import { memoryFiles, quiet } from './fixture-files';
import { bytesOf } from './fused-files';

/** Where MatMulNBits has its bias. */
const PLACE = 5;

/** Biases that are added to layers of four bits, inside of them. */
const inside = ({ graph, ...rest }: Model): { model: Model; count: number } => {
  const vectors = new Set(graph.initializers.filter(({ dims }) => dims.length === 1).map(({ name }) => name));
  const merged = new Map<Node, Node>();
  const dropped = new Set<Node>();
  for (const layer of graph.nodes.filter(({ opType }) => opType === 'MatMulNBits')) {
    const [sum, ...more] = graph.nodes.filter(({ inputs }) => inputs.includes(layer.outputs[0]));
    const bias = sum?.inputs.find(input => vectors.has(input));
    if (more.length === 0 && sum?.opType === 'Add' && bias !== undefined) {
      const inputs = Array.from({ length: PLACE }, (_, i) => layer.inputs[i] ?? '');
      merged.set(layer, { ...layer, inputs: [...inputs, bias], outputs: sum.outputs });
      dropped.add(sum);
    }
  }
  const nodes = graph.nodes.filter(node => !dropped.has(node)).map(node => merged.get(node) ?? node);
  return { model: { ...rest, graph: { ...graph, nodes } }, count: merged.size };
};

const opened = (name: string, bytes: Uint8Array): Promise<Subject> =>
  openModel(memoryFiles(name, { 'model.onnx': bytes }), createNodeRuntime(), quiet);

/** The same integers and biases, added in another place: a few units of float32's last of the largest. */
const TOLERANCE = 1e-5;

test.each([
  ['distilbert', 13],
  ['gpt_neox', 8]
])(
  '%s in four bits, %s biases inside of its layers: the same hooks, verified, with the same values',
  async (family, layers) => {
    const { model, weights } = openMatrixModel(family, 'q4');
    const other = inside(model);
    expect(other.count).toBe(layers);
    const [file, written] = [
      await opened(family, bytesOf(model, weights)),
      await opened(family, bytesOf(other.model, weights))
    ];
    const hooks = file.anatomy.hooks.map(({ name }) => name);
    expect(written.anatomy.hooks.map(({ name, status }) => [name, status])).toEqual(
      hooks.map(name => [name, 'verified'])
    );
    const ids = [[3, 17, 40, 8, 25, 11]];
    const [before, after] = [await file.forward({ ids, hooks }, quiet), await written.forward({ ids, hooks }, quiet)];
    for (const hook of hooks) {
      const [a, b] = [toFloat64(before.get(hook)), toFloat64(after.get(hook))];
      const largest = a.reduce((most, x) => (x > -1e30 ? Math.max(most, Math.abs(x)) : most), 0);
      const far = a.reduce((worst, x, i) => (x > -1e30 ? Math.max(worst, Math.abs(x - b[i])) : worst), 0) / largest;
      expect({ hook, far: far < TOLERANCE ? 'near' : far }).toEqual({ hook, far: 'near' });
    }
    await file.close();
    await written.close();
  }
);
