import { toFloat64 } from '../../src/onnx/decode-tensor';
import { readSafetensors, writeSafetensors } from '../../src/onnx/safetensors';
import type { Tensor } from '../../src/onnx/tensor';
import { fixtureBytes, fixtureJson } from './fixture';

const file = (): Uint8Array => fixtureBytes('tensors.safetensors');

const json = (tensors: ReadonlyMap<string, Tensor>): unknown =>
  Object.fromEntries(
    Array.from(tensors, ([name, tensor]) => [name, { dims: tensor.dims, values: values(tensor) }] as const)
  );
const values = (tensor: Tensor): unknown =>
  /^u?int/.test(tensor.type)
    ? Array.from(tensor.data, String)
    : Array.from(toFloat64(tensor), value => (Number.isFinite(value) ? value : String(value)));

test("reads what Python's safetensors wrote", () => {
  expect(json(readSafetensors(file(), 't'))).toEqual(fixtureJson('tensors.json'));
});

test('reads what it wrote, all tensors as aligned views', () => {
  const written = writeSafetensors(readSafetensors(file(), 't'), { by: 'test' });
  const again = readSafetensors(written, 't');
  expect(json(again)).toEqual(fixtureJson('tensors.json'));
  expect([...again.values()].every(tensor => tensor.data.buffer === written.buffer)).toBe(true);
});

test('refuses to write a tensor whose array does not fit its dims', () => {
  const tensor: Tensor = { dims: [3], type: 'float32', data: new Float32Array(2) };
  expect(() => writeSafetensors(new Map([['w', tensor]]))).toThrow(
    "tensor 'w' of float32 [3] needs 12 bytes, its array has 8"
  );
});

describe('refuses', () => {
  const make = (header: unknown, data = 8): Uint8Array => {
    const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
    const bytes = new Uint8Array(8 + text.length + data);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
    bytes.set(text, 8);
    return bytes;
  };
  const w = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
  test.each<[string, Uint8Array, RegExp]>([
    [
      'an empty file',
      new Uint8Array(0),
      /^not a safetensors file: 't' \(0 bytes\) does not begin with a header's length and '\{' at byte 8$/
    ],
    ['text', new TextEncoder().encode('this is only text'), /^not a safetensors file: 't'/],
    [
      'a header beyond the file',
      make({ w }).subarray(0, 20),
      /^'t' is cut off: its header needs \d+ bytes at byte 8, 12 are left$/
    ],
    ['a header that is not JSON', make('{"w": '), /^'t' is broken: its header, bytes 8 to 14, is not JSON$/],
    ['data cut off', make({ w }, 4), /^'t' is cut off: its tensors end at byte 70, the file at 66$/],
    ['data left over', make({ w }, 9), /^'t' is broken: its tensors end at byte 70, the file at 71$/],
    [
      'an unknown type',
      make({ w: { ...w, dtype: 'F8_E4M3' } }),
      /tensor 'w' has the 'dtype' "F8_E4M3", which is not supported$/
    ],
    ['a type from the prototype', make({ w: { ...w, dtype: 'toString' } }), /has the 'dtype' "toString"/],
    ['a null entry', make({ w: null }), /tensor 'w' has the 'dtype' missing/],
    ['a negative size', make({ w: { ...w, shape: [-2] } }), /tensor 'w' has no valid 'shape': \[-2\]$/],
    ['a size of the wrong kind', make({ w: { ...w, shape: ['2'] } }), /no valid 'shape': \["2"\]$/],
    [
      'offsets that do not fit the shape',
      make({ w: { ...w, shape: [3] } }),
      /of float32 \[3\] needs 12 bytes, its offsets hold 8$/
    ],
    ['overlapping tensors', make({ w, v: { ...w } }), /tensor 'v' begins at byte 0 of the data, not at 8$/],
    ['a gap', make({ w: { ...w, data_offsets: [4, 12] } }, 12), /tensor 'w' begins at byte 4 of the data, not at 0$/]
  ])('%s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes, 't')).toThrow(message);
  });
});
