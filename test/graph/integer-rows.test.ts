import { decompose } from '../../src/graph/decompose/decompose';
import { integerRows } from '../../src/graph/decompose/integer-rows';
import { createNodeRuntime } from '../../src/runtime/node';
import { openMatrixModel } from '../anatomy/fixtures';

const IDS = [3, 17, 40, 8, 25, 11];
const feeds = (names: readonly string[]) => {
  const tensors = {
    input_ids: IDS,
    attention_mask: IDS.map(() => 1),
    position_ids: IDS.map((_, at) => at)
  } as Readonly<Record<string, readonly number[]>>;
  return Object.fromEntries(
    names.map(name => [
      name,
      { dims: [1, IDS.length], type: 'int64', data: BigInt64Array.from(tensors[name], BigInt) } as const
    ])
  );
};

test('a layer that multiplies rows of a table as integers reads the dequantised rows instead, and gives the same', async () => {
  const { model, weights } = openMatrixModel('olmo2', 'int8');
  const changed = integerRows(model);
  const count = (type: string, { graph }: typeof model): number =>
    graph.nodes.filter(({ opType }) => opType === type).length;
  // Queries, keys and values of the first block; all others are rounded when they are run.
  expect(count('MatMulInteger', model) - count('MatMulInteger', changed)).toBe(3);
  expect(count('MatMul', changed) - count('MatMul', model)).toBe(3);
  const runtime = createNodeRuntime();
  const [queries] = changed.graph.nodes.flatMap(({ opType, outputs, inputs }) =>
    opType === 'MatMul' &&
    changed.graph.nodes.some(node => node.opType === 'DequantizeLinear' && node.outputs[0] === inputs[1])
      ? outputs
      : []
  );
  const results: Float32Array[] = [];
  for (const one of [model, changed]) {
    const graph = { ...one.graph, outputs: [...one.graph.outputs, { name: queries, unknown: new Uint8Array(0) }] };
    const prepared = await runtime.prepare({ ...one, graph }, weights);
    results.push((await prepared.run(feeds(prepared.inputs), [queries]))[queries].data as Float32Array);
    await prepared.release();
  }
  const largest = results[0].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  // Integers of 16 bits added up exactly on one side, products of float32 on the other.
  results[0].forEach((value, at) => expect(Math.abs(value - results[1][at])).toBeLessThanOrEqual(1e-5 * largest));
});

test('a file without such layers is left as it is', () => {
  const { model, weights } = openMatrixModel('llama', 'int8');
  expect(integerRows(model)).toBe(model);
  expect(integerRows(decompose(model, weights).model).graph.nodes).toHaveLength(
    decompose(model, weights).model.graph.nodes.length
  );
});
