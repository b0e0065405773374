import { collectWeights } from '../../src/onnx/collect-weights';
import { decodeTensor, toFloat32, toFloat64 } from '../../src/onnx/decode-tensor';
import { externalLocations } from '../../src/onnx/external-data';
import { externalise } from '../../src/onnx/externalise';
import { joinBytes } from '../../src/onnx/join-bytes';
import { int64Vector, makeTensor } from '../../src/onnx/make-tensor';
import type { Entry, Model } from '../../src/onnx/model';
import { readModel } from '../../src/onnx/read-model';
import type { Weight } from '../../src/onnx/weights';
import { writeModel } from '../../src/onnx/write-model';
import { modelJson } from './as-json';
import { fixtureBytes, fixtureJson } from './fixture';

const open = (name: string) => readModel(fixtureBytes(name), name);
const bin = fixtureBytes('external.bin');
const files = new Map([['external.bin', bin]]);

test('large initialisers go to the store as views, small ones stay', () => {
  const bytes = fixtureBytes('raw.onnx');
  const { model, weights } = collectWeights(readModel(bytes, 'raw.onnx'), new Map());
  expect([...weights.names()]).toEqual(['large']);
  expect(weights.bytes).toBe(1200);
  expect(weights.get('large')?.bytes.buffer).toBe(bytes.buffer);
  expect(weights.get('wte')).toBeUndefined();
  const kinds = model.graph.initializers.map(tensor => tensor.data.kind);
  expect(new Set(kinds.slice(0, -1))).toEqual(new Set(['raw']));
  expect(kinds.at(-1)).toBe('weight');
});

test('typed data are packed', () => {
  const { weights } = collectWeights(open('typed.onnx'), new Map());
  const values = decodeTensor(weights.get('large') as Weight).data;
  expect(values).toEqual(Float32Array.from({ length: 300 }, (_, i) => i / 7));
});

test('externalise refers weights to the buffers that hold them: the file written means the same', () => {
  const { model, weights } = collectWeights(open('external.onnx'), files);
  const { model: small, files: named } = externalise(model, weights);
  expect(named.map(file => file.path)).toEqual(['f0']);
  expect(named[0].data.buffer).toBe(bin.buffer);
  const again = readModel(joinBytes(writeModel(small)), 'again');
  const byName = new Map(named.map(file => [file.path, file.data]));
  expect(modelJson(again, byName)).toEqual(fixtureJson('external.json'));
});

test('a tensor that says that its data are inside is external after externalise', () => {
  const read = open('raw.onnx');
  // data_location: DEFAULT, field 14 as a varint, as Python's onnx.load leaves it.
  const explicit = read.graph.initializers.map(tensor => ({ ...tensor, unknown: Uint8Array.of(14 << 3, 0) }));
  const { model, weights } = collectWeights({ ...read, graph: { ...read.graph, initializers: explicit } }, new Map());
  const again = readModel(joinBytes(writeModel(externalise(model, weights).model)), 'again');
  expect(again.graph.initializers.find(({ name }) => name === 'large')?.data.kind).toBe('external');
});

test('a model whose weights are in the store cannot be written by mistake', () => {
  const { model } = collectWeights(open('raw.onnx'), new Map());
  expect(() => writeModel(model)).toThrow("initialiser 'large' has its data in the weight store");
});

test('externalise refuses a store that does not fit', () => {
  const { model, weights } = collectWeights(open('raw.onnx'), new Map());
  const weight = weights.get('large') as Weight;
  const other = (found?: Weight) => ({ ...weights, get: () => found });
  expect(() => externalise(model, other())).toThrow("weight missing: initialiser 'large' is not in the weight store");
  expect(() => externalise(model, other({ ...weight, dims: [300] }))).toThrow("weight differs: initialiser 'large'");
});

describe('external data', () => {
  const withEntry = (key: string, value: string): Model => {
    const model = open('external.onnx');
    const [w, ...rest] = model.graph.initializers;
    const entries = (w.data as { entries: readonly Entry[] }).entries;
    const changed = entries.map(entry => (entry.key === key ? { key, value } : entry));
    const data = { kind: 'external', entries: changed } as const;
    return { ...model, graph: { ...model.graph, initializers: [{ ...w, data }, ...rest] } };
  };

  test('locations are listed once', () => {
    expect(externalLocations(open('external.onnx'))).toEqual(['external.bin']);
    expect(externalLocations(withEntry('location', './sub/w.bin'))).toEqual(['sub/w.bin', 'external.bin']);
  });

  test.each(['/etc/passwd', '../w.bin', 'a/../../w', 'https://example.org/w', 'C:\\w', 'a\\b', '', 'a//b', 'a\u0000b'])(
    'refuses the location %j',
    location => {
      expect(() => externalLocations(withEntry('location', location))).toThrow(
        /^external data refused: initialiser 'w' names '.*', not a file in the model's folder$/su
      );
    }
  );

  test.each([
    ['offset', '-1', "external data refused: initialiser 'w' has the offset '-1', not a whole number"],
    ['offset', '1e3', "external data refused: initialiser 'w' has the offset '1e3', not a whole number"],
    [
      'offset',
      '99999',
      "external data too short: 'external.bin' has 4461 bytes, initialiser 'w' needs offset 99999 + 2048"
    ],
    ['length', '7', "external data refused: initialiser 'w' of float32 [16, 32] needs 2048 bytes, its entry says 7"],
    ['location', 'other', "external data missing: 'other' (initialiser 'w') is not there"]
  ])('%s %s', (key, value, message) => {
    expect(() => collectWeights(withEntry(key, value), files)).toThrow(new Error(message));
  });
});

describe('decoding', () => {
  test('a wrong number of bytes is refused', () => {
    const tensor = { ...makeTensor('w', { dims: [2], type: 'float32', data: new Float32Array(2) }), dims: [3] };
    expect(() => decodeTensor(tensor)).toThrow("tensor 'w' of float32 [3] needs 12 bytes, the file holds 8");
  });

  test('types without an array are refused by name', () => {
    const tensor = makeTensor('w', { dims: [2], type: 'uint8', data: new Uint8Array(2) });
    expect(() => decodeTensor({ ...tensor, dims: [4], dataType: 22 })).toThrow(
      "tensor 'w' has type int4, which is not decoded"
    );
  });

  test('made tensors decode to themselves', () => {
    expect(decodeTensor(int64Vector('shape', [0, -1, 768]))).toEqual({
      dims: [3],
      type: 'int64',
      data: BigInt64Array.of(0n, -1n, 768n)
    });
    expect(() => makeTensor('w', { dims: [3], type: 'float32', data: new Float32Array(2) })).toThrow(
      "tensor 'w' of float32 [3] needs 12 bytes, its array has 8"
    );
  });

  test('half precision as numbers, in both widths', () => {
    const half = { dims: [4], type: 'float16', data: Uint16Array.of(0x3c00, 0xc100, 0x0001, 0x7c00) } as const;
    expect(toFloat64(half)).toEqual(Float64Array.of(1, -2.5, 2 ** -24, Infinity));
    expect(toFloat32(half)).toEqual(Float32Array.of(1, -2.5, 2 ** -24, Infinity));
  });
});
