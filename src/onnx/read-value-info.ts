import { DIM, SHAPE, TENSOR_TYPE, TYPE, VALUE_INFO } from './field-names';
import type { TensorType, ValueInfo } from './model';
import type { WireReader } from './wire-reader';

/** The current field as a ValueInfoProto: name and, for a tensor, element type and shape. */
export const readValueInfo = (r: WireReader): ValueInfo => {
  let name = '';
  let found: { type?: TensorType; verbatimType?: Uint8Array } = {};
  const unknown = r.message(VALUE_INFO, field => {
    switch (field) {
      case 1:
        name = r.string();
        return true;
      case 2:
        r.once('type', found.verbatimType ?? found.type);
        found = readType(r);
        return true;
      default:
        return false;
    }
  });
  return { name, ...found, unknown };
};

const readType = (r: WireReader): { type?: TensorType; verbatimType?: Uint8Array } => {
  let type: TensorType | undefined;
  let lossless = true;
  const rest = r.message(TYPE, field => {
    if (field !== 1) {
      return false;
    }
    const read = readTensorType(r);
    type = read.type;
    lossless = read.lossless;
    return true;
  });
  const more = rest.length > 0 || type === undefined || !lossless;
  return { ...(type && { type }), ...(more && { verbatimType: r.verbatim() }) };
};

const readTensorType = (r: WireReader): { type: TensorType; lossless: boolean } => {
  let elementType = 0;
  let shape: (number | string)[] | undefined;
  let lossless = true;
  const rest = r.message(TENSOR_TYPE, field => {
    if (field === 1) {
      elementType = r.safeInteger();
    } else if (field === 2) {
      const dims: (number | string)[] = (shape = []);
      const left = r.message(SHAPE, dim => {
        lossless = dim === 1 && readDim(r, dims) && lossless;
        return dim === 1;
      });
      lossless = lossless && left.length === 0;
    }
    return field === 1 || field === 2;
  });
  return { type: { elementType, ...(shape && { shape }) }, lossless: lossless && rest.length === 0 };
};

/** Appends one dimension; false when it says more than a size or a symbol. */
const readDim = (r: WireReader, into: (number | string)[]): boolean => {
  let dim: number | string = '';
  const rest = r.message(DIM, field => {
    if (field === 1) {
      dim = r.safeInteger();
    } else if (field === 2) {
      dim = r.string();
    }
    return field === 1 || field === 2;
  });
  into.push(dim);
  return rest.length === 0;
};
