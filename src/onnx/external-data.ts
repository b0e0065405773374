import type { DataFile } from './data-file';
import { byteLength, elementTypeName } from './element-type';
import { graphTensors } from './map-tensors';
import type { Entry, Graph, Model, TensorProto } from './model';
import { placeOf } from './place';
import { quoted } from './quoted';

/** The external files that a model needs, in the order of their first use. Throws for a location outside the folder. */
export const externalLocations = (model: Model): readonly string[] => {
  const locations = new Set<string>();
  for (const tensor of modelTensors(model)) {
    if (tensor.data.kind === 'external') {
      locations.add(safeLocation(labelOf(tensor), tensor.data.entries));
    }
  }
  return [...locations];
};

const modelTensors = (model: Model): readonly TensorProto[] => {
  const bodies = model.functions.map(local => ({ nodes: local.nodes, initializers: [] }) satisfies Partial<Graph>);
  return [model.graph, ...bodies].flatMap(graphTensors);
};

/** A file of external data: its bytes, or where it lies. */
export type ExternalFile = Uint8Array | DataFile;
export type ExternalFiles = ReadonlyMap<string, ExternalFile>;

export const sizeOf = (file: ExternalFile): number => ('size' in file ? file.size : file.length);

/** The bytes of a tensor whose data are external: a view on the file named by its entries, or read from where it lies. */
export const externalBytes = (tensor: TensorProto, externals: ExternalFiles): Uint8Array => {
  const { file, offset, length } = externalPlace(tensor, externals);
  return 'size' in file ? file.read(offset, length) : new Uint8Array(file.buffer, file.byteOffset + offset, length);
};

/** Where a tensor's external data are, checked against its dims and the file's size. */
export const externalPlace = (
  tensor: TensorProto,
  externals: ExternalFiles
): { readonly file: ExternalFile; readonly offset: number; readonly length: number } => {
  const { dims, dataType, data } = tensor;
  const label = labelOf(tensor);
  const entries = data.kind === 'external' ? data.entries : [];
  const location = safeLocation(label, entries);
  const file = externals.get(location);
  if (file === undefined) {
    throw new Error(`external data missing: ${quoted(location)} (${label}) is not there`);
  }
  const needed = byteLength(dataType, dims);
  if (needed === undefined) {
    throw new Error(`external data refused: ${label} is of ${elementTypeName(dataType)}, which has no size`);
  }
  const offset = entryNumber(label, entries, 'offset') ?? 0;
  const length = entryNumber(label, entries, 'length') ?? needed;
  if (length !== needed) {
    throw new Error(
      `external data refused: ${label} of ${elementTypeName(dataType)} [${dims.join(', ')}] needs ${needed} bytes, its entry says ${length}`
    );
  }
  const size = sizeOf(file);
  if (offset + length > size) {
    throw new Error(
      `external data too short: ${quoted(location)} has ${size} bytes, ${label} needs offset ${offset} + ${length}`
    );
  }
  return { file, offset, length };
};

const labelOf = (tensor: TensorProto): string => `initialiser ${quoted(tensor.name)}${placeOf(tensor)}`;

const entryValue = (entries: readonly Entry[], key: string): string | undefined =>
  entries.find(entry => entry.key === key)?.value;

const entryNumber = (label: string, entries: readonly Entry[], key: string): number | undefined => {
  const text = entryValue(entries, key);
  if (text === undefined) {
    return undefined;
  }
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) {
    throw new Error(`external data refused: ${label} has the ${key} ${quoted(text)}, not a whole number`);
  }
  return value;
};

/** A relative POSIX path inside the model's folder. */
const safeLocation = (label: string, entries: readonly Entry[]): string => {
  const location = (entryValue(entries, 'location') ?? '').replace(/^(\.\/)+/, '');
  const parts = location.split('/');
  if (/[\\:\u0000-\u001f]/.test(location) || parts.some(part => part === '' || part === '.' || part === '..')) {
    throw new Error(`external data refused: ${label} names ${quoted(location)}, not a file in the model's folder`);
  }
  return location;
};
