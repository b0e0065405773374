import { body, tensorValue } from '../../src/graph/attributes';
import { createBuilder, makeModel } from '../../src/graph/build';
import { joinBytes } from '../../src/onnx/join-bytes';
import { makeTensor } from '../../src/onnx/make-tensor';
import type { Model, TensorProto } from '../../src/onnx/model';
import { readModel } from '../../src/onnx/read-model';
import { readOutline } from '../../src/onnx/read-outline';
import { writeModel } from '../../src/onnx/write-model';

/** Long enough to be left out. */
const SIZE = 2 ** 18;
const values = Float32Array.from({ length: SIZE }, (_, i) => i + 1);
const raw = (name: string, data = values): TensorProto =>
  makeTensor(name, { dims: [data.length], type: 'float32', data });
const floats = (name: string): TensorProto => ({ ...raw(name), data: { kind: 'float', values: [...values] } });

/** Long tensors wherever a file may have them: initialisers, raw and typed, of the graph and of a graph in it, constants of both and of a function. */
const model = (): Model => {
  const inner = createBuilder();
  const constant = (b: ReturnType<typeof createBuilder>, name: string): string =>
    b.node('Constant', [], [tensorValue('value', raw(name))]);
  constant(inner, 'inner constant');
  const b = createBuilder();
  constant(b, 'constant');
  const branch = { ...inner.graph('branch'), initializers: [raw('inner weight')] };
  b.node('If', [b.input('which', 'bool', [])], [body('then_branch', branch)]);
  const made = makeModel(
    { ...b.graph('main'), initializers: [raw('weight', new Float32Array(8 * SIZE).fill(1)), floats('typed')] },
    17
  );
  const { nodes } = inner.graph('function');
  const local = { name: 'f', domain: 'own', inputs: [], outputs: [], attributeNames: [], attributeDefaults: [], nodes };
  return { ...made, functions: [{ ...local, opsets: made.opsets, unknown: new Uint8Array() }] };
};

const outlineOf = async (bytes: Uint8Array, leave: Parameters<typeof readOutline>[2]): Promise<Uint8Array> =>
  readOutline(bytes.length, async (start, end) => bytes.slice(start, end), leave);

/** Where the raw data of the main graph's first initialiser lie. */
const placeOf = (bytes: Uint8Array): { readonly start: number; readonly end: number } => {
  const { data } = readModel(bytes, 'whole.onnx').graph.initializers[0];
  const { byteOffset, length } = (data as Extract<typeof data, { kind: 'raw' }>).bytes;
  return { start: byteOffset - bytes.byteOffset, end: byteOffset - bytes.byteOffset + length };
};

test('all but the raw data of the main graph’s initialisers is as it stands', async () => {
  const bytes = joinBytes(writeModel(model()));
  const outline = await outlineOf(bytes, 'weights');
  const { start, end } = placeOf(bytes);
  const same = (from: number, to?: number): boolean =>
    Buffer.from(outline.subarray(from, to)).equals(bytes.subarray(from, to));
  expect([same(0, start), same(end)]).toEqual([true, true]);
  // A read takes more than it was asked for: the beginning and the end may be there.
  expect(outline.subarray(end - 2 ** 19, end - 2 ** 18).every(byte => byte === 0)).toBe(true);
  expect(placeOf(outline)).toEqual({ start, end });
});

test('an outline alone leaves out whatever is long', async () => {
  const bytes = joinBytes(writeModel(model()));
  const outline = await outlineOf(bytes, 'long');
  const { graph } = readModel(outline, 'outline.onnx');
  const typed = graph.initializers[1].data as unknown as { readonly values: readonly number[] };
  expect(typed.values[SIZE / 2]).toBe(0);
});
