import type { Entry, TensorProto } from './model';
import { quoted } from './quoted';
import type { WireWriter } from './wire-writer';

export const NOTHING_KEPT = new Uint8Array(0);

/** Throws for a tensor whose data are in the weight store: `externalise` must come first. */
export const writeTensor = (w: WireWriter, field: number, tensor: TensorProto): void =>
  w.message(field, tensor.unknown, () => {
    tensor.dims.forEach(dim => w.integer(1, dim));
    if (tensor.dataType !== 0) {
      w.integer(2, tensor.dataType);
    }
    writeNumbers(w, tensor);
    w.text(8, tensor.name);
    writeRest(w, tensor);
  });

/** The values whose field number is below that of the name. */
const writeNumbers = (w: WireWriter, { data }: TensorProto): void => {
  switch (data.kind) {
    case 'float':
      return w.packed(4, 'float', data.values);
    case 'int32':
      return w.packed(5, 'integer', data.values);
    case 'string':
      return data.values.forEach(value => w.bytes(6, value));
    case 'int64':
      return w.packed(7, 'integer', data.values);
  }
};

const writeRest = (w: WireWriter, { name, data }: TensorProto): void => {
  switch (data.kind) {
    case 'raw':
      return w.bytes(9, data.bytes);
    case 'double':
      return w.packed(10, 'double', data.values);
    case 'uint64':
      return w.packed(11, 'integer', data.values);
    case 'external':
      writeEntries(w, 13, data.entries);
      return w.integer(14, 1);
    case 'weight':
      throw new Error(
        `initialiser ${quoted(name)} has its data in the weight store: it must be externalised before writing`
      );
  }
};

export const writeEntries = (w: WireWriter, field: number, entries: readonly Entry[]): void => {
  for (const { key, value } of entries) {
    w.message(field, NOTHING_KEPT, () => {
      w.string(1, key);
      w.string(2, value);
    });
  }
};
