import { ENTRY, TENSOR } from './field-names';
import { joinBytes } from './join-bytes';
import type { Entry, TensorData, TensorProto } from './model';
import { placed } from './place';
import { quoted } from './quoted';
import { wrongLength } from './tensor-bytes';
import type { WireReader } from './wire-reader';

const MAX_RANK = 64;
const MAX_TENSORS = 300_000;
const EXTERNAL = 1;

/** Everything that may hold a tensor's values; a valid file fills one of them. */
interface Held {
  raw?: Uint8Array;
  readonly float: number[];
  readonly int32: number[];
  readonly double: number[];
  readonly int64: (number | bigint)[];
  readonly uint64: (number | bigint)[];
  readonly string: Uint8Array[];
}

/** The current field as a TensorProto. Throws when values are held in two places at once. */
export const readTensor = (r: WireReader): TensorProto => {
  r.count('tensor', MAX_TENSORS);
  const { offset } = r;
  let [name, dataType, external] = ['', 0, false];
  const dims: number[] = [];
  const entries: Entry[] = [];
  const entryBytes: Uint8Array[] = [];
  const held: Held = { float: [], int32: [], double: [], int64: [], uint64: [], string: [] };
  const rest = r.message(TENSOR, field => {
    switch (field) {
      case 1:
        r.safeIntegers(dims);
        return true;
      case 2:
        dataType = r.safeInteger();
        return true;
      case 8:
        name = r.string();
        return true;
      case 13:
        entries.push(readEntry(r));
        entryBytes.push(r.verbatim());
        return true;
      case 14:
        return r.readIf(EXTERNAL, () => (external = true));
      default:
        return readValues(r, field, held);
    }
  });
  checkDims(r, name, dims);
  const data = external ? externalData(r, name, entries, held) : onlyData(r, name, held);
  const unknown = external ? rest : joinBytes([...entryBytes, rest]);
  const tensor: TensorProto = { name, dims, dataType, data, unknown };
  const wrong = wrongLength(tensor);
  return wrong === undefined ? placed(tensor, offset) : r.fail(`holds tensor ${quoted(name)} ${wrong}`);
};

export const readEntry = (r: WireReader): Entry => {
  let [key, value] = ['', ''];
  r.message(ENTRY, field => {
    if (field === 1) {
      key = r.string();
    } else if (field === 2) {
      value = r.string();
    }
    return field === 1 || field === 2;
  });
  return { key, value };
};

const readValues = (r: WireReader, field: number, held: Held): boolean => {
  switch (field) {
    case 4:
      r.floats(held.float);
      return true;
    case 5:
      r.safeIntegers(held.int32);
      return true;
    case 6:
      held.string.push(r.view8());
      return true;
    case 7:
      r.integers(held.int64);
      return true;
    case 9:
      held.raw = r.view8();
      return true;
    case 10:
      r.doubles(held.double);
      return true;
    case 11:
      r.integers(held.uint64, false);
      return true;
    default:
      return false;
  }
};

const checkDims = (r: WireReader, name: string, dims: readonly number[]): void => {
  if (dims.length > MAX_RANK) {
    r.fail(`holds tensor ${quoted(name)} of ${dims.length} dimensions, the limit is ${MAX_RANK}`);
  }
  const negative = dims.find(dim => dim < 0);
  if (negative !== undefined) {
    r.fail(`holds tensor ${quoted(name)} with the negative dimension ${negative}`);
  }
};

const typed = (held: Held): readonly TensorData[] =>
  (['float', 'int32', 'double', 'int64', 'uint64', 'string'] as const)
    .filter(kind => held[kind].length > 0)
    .map(kind => ({ kind, values: held[kind] }) as TensorData);

const onlyData = (r: WireReader, name: string, held: Held): TensorData => {
  const filled = typed(held);
  const raw = held.raw ?? new Uint8Array(0);
  if (filled.length > 1 || (filled.length === 1 && raw.length > 0)) {
    r.fail(`holds tensor ${quoted(name)} whose values stand in two places`);
  }
  return filled[0] ?? { kind: 'raw', bytes: raw };
};

const externalData = (r: WireReader, name: string, entries: readonly Entry[], held: Held): TensorData => {
  if (typed(held).length > 0 || (held.raw?.length ?? 0) > 0) {
    r.fail(`holds tensor ${quoted(name)} whose values stand both here and in an external file`);
  }
  return { kind: 'external', entries };
};
