import { aligned } from './decode-tensor';
import { byteLength, elementTypeCode } from './element-type';
import { quoted } from './quoted';
import type { Tensor, TensorTypeName } from './tensor';

const MAX_HEADER = 100_000_000;
const MAX_RANK = 64;
const ALIGNMENT = 8;

/** safetensors' names of element types, for those that runtimes have. */
const TYPES: Readonly<Record<string, TensorTypeName>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  I64: 'int64',
  I32: 'int32',
  I16: 'int16',
  I8: 'int8',
  U64: 'uint64',
  U32: 'uint32',
  U16: 'uint16',
  U8: 'uint8',
  BOOL: 'bool'
};
const NAMES = new Map(Object.entries(TYPES).map(([name, type]) => [type, name]));

interface Header {
  readonly tensors: ReadonlyMap<string, unknown>;
  /** Where the data begin. */
  readonly start: number;
}

/**
 * The tensors of a safetensors file, views where aligned. `name` is the file's name in messages. Every length is checked;
 * tensors may neither overlap nor leave gaps, as the format demands (github.com/huggingface/safetensors, "Format").
 */
export const readSafetensors = (bytes: Uint8Array, name: string): Map<string, Tensor> => {
  const { tensors, start } = readHeader(bytes, name);
  const data = bytes.subarray(start);
  const entries = Array.from(tensors, ([key, value]) => readEntry(key, value, name));
  let end = 0;
  for (const entry of [...entries].sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (entry.from !== end) {
      throw new Error(
        `'${name}' is broken: tensor ${quoted(entry.key)} begins at byte ${entry.from} of the data, not at ${end}`
      );
    }
    end = entry.to;
  }
  if (end !== data.length) {
    throw new Error(
      `'${name}' is ${end > data.length ? 'cut off' : 'broken'}: its tensors end at byte ${start + end}, the file at ${start + data.length}`
    );
  }
  return new Map(
    entries.map(({ key, type, dims, from, to }) => [key, { dims, type, data: aligned(type, data.subarray(from, to)) }])
  );
};

/** A safetensors file: header padded to 8 bytes, then the tensors, widest elements first so that all are aligned. */
export const writeSafetensors = (
  tensors: ReadonlyMap<string, Tensor>,
  metadata?: Readonly<Record<string, string>>
): Uint8Array => {
  const size = (tensor: Tensor): number => tensor.data.BYTES_PER_ELEMENT;
  const ordered = [...tensors].sort(([, a], [, b]) => size(b) - size(a));
  const header: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  if (metadata) {
    header.__metadata__ = metadata;
  }
  let end = 0;
  for (const [key, { type, dims, data }] of ordered) {
    checkTensor(key, type, dims, data.byteLength);
    header[key] = { dtype: NAMES.get(type), shape: dims, data_offsets: [end, (end += data.byteLength)] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = 8 + Math.ceil(text.length / ALIGNMENT) * ALIGNMENT;
  const file = new Uint8Array(start + end).fill(32, 0, start);
  new DataView(file.buffer).setBigUint64(0, BigInt(start - 8), true);
  file.set(text, 8);
  let at = start;
  for (const [, { data }] of ordered) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
};

const checkTensor = (key: string, type: TensorTypeName, dims: readonly number[], bytes: number): void => {
  if (key === '__metadata__') {
    throw new Error("a tensor cannot be named '__metadata__' in a safetensors file");
  }
  const needed = byteLength(elementTypeCode(type), dims);
  if (needed !== bytes) {
    throw new Error(
      `tensor ${quoted(key)} of ${type} [${dims.join(', ')}] needs ${needed} bytes, its array has ${bytes}`
    );
  }
};

const readHeader = (bytes: Uint8Array, name: string): Header => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length < 8 ? -1 : Number(view.getBigUint64(0, true));
  if (length < 2 || length > MAX_HEADER || bytes[8] !== 0x7b) {
    throw new Error(
      `not a safetensors file: '${name}' (${bytes.length} bytes) does not begin with a header's length and '{' at byte 8`
    );
  }
  if (8 + length > bytes.length) {
    throw new Error(`'${name}' is cut off: its header needs ${length} bytes at byte 8, ${bytes.length - 8} are left`);
  }
  const tensors = new Map(Object.entries(parseHeader(bytes.slice(8, 8 + length), name)));
  tensors.delete('__metadata__');
  return { tensors, start: 8 + length };
};

const parseHeader = (bytes: Uint8Array, name: string): object => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as object;
  } catch {
    throw new Error(`'${name}' is broken: its header, bytes 8 to ${8 + bytes.length}, is not JSON`);
  }
};

interface Entry {
  readonly key: string;
  readonly type: TensorTypeName;
  readonly dims: readonly number[];
  readonly from: number;
  readonly to: number;
}

const readEntry = (key: string, value: unknown, name: string): Entry => {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const refuse = (why: string): never => {
    throw new Error(`'${name}' is broken: tensor ${quoted(key)} ${why}`);
  };
  const type = typeof dtype === 'string' && Object.hasOwn(TYPES, dtype) ? TYPES[dtype] : undefined;
  if (type === undefined) {
    return refuse(`has the 'dtype' ${clipped(dtype)}, which is not supported`);
  }
  if (!isSizes(shape) || shape.length > MAX_RANK) {
    return refuse(`has no valid 'shape': ${clipped(shape)}`);
  }
  if (!isSizes(offsets) || offsets.length !== 2) {
    return refuse(`has no valid 'data_offsets': ${clipped(offsets)}`);
  }
  const [from, to] = offsets;
  const needed = byteLength(elementTypeCode(type), shape);
  if (to - from !== needed) {
    refuse(`of ${type} [${shape.join(', ')}] needs ${needed} bytes, its offsets hold ${to - from}`);
  }
  return { key, type, dims: shape, from, to };
};

const clipped = (value: unknown): string => (JSON.stringify(value) ?? 'missing').slice(0, 40);

const isSizes = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every(size => Number.isSafeInteger(size) && (size as number) >= 0);
