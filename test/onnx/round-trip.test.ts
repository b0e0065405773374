import { joinBytes } from '../../src/onnx/join-bytes';
import { readModel } from '../../src/onnx/read-model';
import { writeModel } from '../../src/onnx/write-model';
import { modelJson } from './as-json';
import { FIXTURES, fixtureBytes, fixtureJson } from './fixture';

const files = new Map([['external.bin', fixtureBytes('external.bin')]]);
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

describe('reads what Python reads', () => {
  test.each(FIXTURES)('%s.onnx', name => {
    const model = readModel(fixtureBytes(`${name}.onnx`), `${name}.onnx`);
    expect(modelJson(model, files)).toEqual(fixtureJson(`${name}.json`));
  });
});

describe('gives back the bytes', () => {
  test.each(FIXTURES.filter(name => name !== 'unpacked'))('%s.onnx', name => {
    const bytes = fixtureBytes(`${name}.onnx`);
    expect(same(joinBytes(writeModel(readModel(bytes, name))), bytes)).toBe(true);
  });

  test('unpacked.onnx means the same, written the usual way', () => {
    const model = readModel(fixtureBytes('unpacked.onnx'), 'unpacked.onnx');
    const again = readModel(joinBytes(writeModel(model)), 'again');
    expect(modelJson(again)).toEqual(modelJson(model));
  });
});

test('large data are pushed as they are, small ones share a chunk', () => {
  const bytes = fixtureBytes('raw.onnx');
  const model = readModel(bytes, 'raw.onnx');
  const data = new Uint8Array(100_000).fill(7);
  const large = {
    name: 'l',
    dims: [100_000],
    dataType: 2,
    data: { kind: 'raw', bytes: data },
    unknown: new Uint8Array(0)
  };
  const graph = {
    ...model.graph,
    initializers: [...model.graph.initializers, large, { ...large, name: 'm' }]
  } as typeof model.graph;
  const chunks = writeModel({ ...model, graph });
  expect(chunks.filter(chunk => chunk === data)).toHaveLength(2);
  expect(chunks.length).toBeLessThan(20);
  const again = readModel(joinBytes(chunks), 'again');
  const [last] = again.graph.initializers.slice(-1);
  expect(last.data.kind === 'raw' && same(last.data.bytes, data)).toBe(true);
});

test('byte fields are views on the file', () => {
  const bytes = fixtureBytes('raw.onnx');
  const [first] = readModel(bytes, 'raw.onnx').graph.initializers;
  expect(first.data.kind === 'raw' && first.data.bytes.buffer === bytes.buffer).toBe(true);
});

test('a file inside a larger buffer is read at its place', () => {
  const bytes = fixtureBytes('attributes.onnx');
  const padded = new Uint8Array(bytes.length + 20);
  padded.set(bytes, 7);
  const inside = padded.subarray(7, 7 + bytes.length);
  expect(modelJson(readModel(inside, 'inside'))).toEqual(fixtureJson('attributes.json'));
});
