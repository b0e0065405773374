import { collectWeights, weightStore } from '../../src/onnx/collect-weights';
import type { DataFile } from '../../src/onnx/data-file';
import { externalise, referToFiles } from '../../src/onnx/externalise';
import { FileWeight, renamedWeight, weightPart } from '../../src/onnx/file-weight';
import { readModel } from '../../src/onnx/read-model';
import type { Weight } from '../../src/onnx/weights';
import { fixtureBytes } from './fixture';

const bin = fixtureBytes('external.bin');
const reads: string[] = [];
const file: DataFile = {
  folder: '/models',
  name: 'external.bin',
  size: bin.length,
  read: (offset, length) => {
    reads.push(`${offset}+${length}`);
    return bin.slice(offset, offset + length);
  },
  check: () => void reads.push('check'),
  sha256: () => Promise.reject(new Error('not asked for'))
};
beforeEach(() => void reads.splice(0));

const open = (data: Uint8Array | DataFile) =>
  collectWeights(readModel(fixtureBytes('external.onnx'), 'external.onnx'), new Map([['external.bin', data]]));

test('weights stay in their file, and are the same bytes when asked for', () => {
  const [left, whole] = [open(file), open(bin)];
  expect([...left.weights.names()]).toEqual([...whole.weights.names()]);
  expect(left.weights.bytes).toBe(whole.weights.bytes);
  expect(left.model.graph.initializers).toEqual(whole.model.graph.initializers);
  for (const name of whole.weights.names()) {
    const [weight, same] = [left.weights.get(name)!, whole.weights.get(name)!];
    reads.splice(0);
    expect(weightPart(weight, 4, 12)).toEqual(same.bytes.slice(4, 12));
    expect([weight.bytes, weight.dims, weight.dataType]).toEqual([same.bytes.slice(), same.dims, same.dataType]);
    expect(weight.bytes).toEqual(same.bytes.slice());
    expect(weightPart(weight, 4, 12)).toEqual(same.bytes.slice(4, 12));
    // A part, then the whole, which is kept for those who ask again.
    expect(reads).toHaveLength(2);
    expect(renamedWeight(weight, 'other').bytes).toEqual(same.bytes.slice());
  }
});

/** The fixture has its weights at bytes 5 and 2053. */
const shifted = (by: number) => {
  const { model, weights } = open(file);
  const moved = Array.from(weights.names(), name => {
    const weight = weights.get(name) as FileWeight;
    return [name, new FileWeight(weight, file, weight.offset + by, weight.length)] as const;
  });
  return { model, moved };
};

test('a runtime that maps files is told where weights lie; what does not stay in a file goes into the graph', () => {
  const { model, moved } = shifted(-5);
  const [[name, first], ...others] = moved;
  expect(others.length).toBeGreaterThan(0);
  const dataOf = (of: string, store: readonly (readonly [string, Weight])[]) =>
    referToFiles(model, weightStore(new Map(store))).model.graph.initializers.find(tensor => tensor.name === of)?.data;
  reads.splice(0);
  expect(referToFiles(model, weightStore(new Map(moved)))).toMatchObject({ folder: '/models', files: [] });
  expect(reads).toEqual(['check']);
  const stays = {
    kind: 'external',
    entries: [
      { key: 'location', value: 'external.bin' },
      { key: 'offset', value: String(first.offset) },
      { key: 'length', value: String(first.length) }
    ]
  };
  expect(dataOf(name, moved)).toEqual(stays);
  const { dims, dataType } = first;
  const bytes = new Uint8Array(first.length).fill(7);
  const mixed = [[name, { name, dims, dataType, bytes }], ...others] as const;
  expect(dataOf(name, mixed)).toEqual({ kind: 'raw', bytes });
  expect(dataOf(others[0][0], mixed)).toMatchObject({ kind: 'external' });
});

test('weights in no file are given as buffers', () => {
  const { model, weights } = open(bin);
  expect(referToFiles(model, weights)).toEqual(externalise(model, weights));
});
