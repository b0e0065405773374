import { decodeTensor, toFloat64 } from '../../onnx/decode-tensor';
import { intAttribute } from '../attributes';
import { quotient, type Dim } from './dims';
import { elementwise, INT64, isWhole, MOST_VALUES, ranked, times, UNKNOWN, type Infer } from './known';

export const divide: Infer = (node, inputs) => {
  const [result] = elementwise((a, b) => a / b)(node, inputs);
  const [a, b] = inputs.map(input => input.values);
  if (!a || !b || !inputs.every(input => input.whole)) {
    return [result];
  }
  const values = result.values?.map((x, i) =>
    typeof x === 'number' ? Math.trunc(x) : quotient([a[i]], [b[b.length === 1 ? 0 : i]])
  );
  return [{ ...result, values: a.length >= b.length ? values : undefined }];
};

export const cast: Infer = (node, [x]) => {
  const { shape, values } = x;
  const cut = isWhole(node, []) && !x.whole;
  return [
    { shape, values: cut ? values?.map(value => (typeof value === 'number' ? Math.trunc(value) : value)) : values }
  ];
};

export const multiply: Infer = (node, inputs) => {
  const [known] = elementwise((a, b) => a * b)(node, inputs);
  const [a, b] = inputs.map(input => input.values);
  const values = a && b && a.length === b.length ? a.map((value, i) => times(value, b[i])) : known.values;
  return [{ shape: known.shape, values }];
};

/** Sizes are never negative, so that `size == -1` is false whatever the size. */
export const equal: Infer = (node, inputs) => {
  const [{ shape }] = elementwise()(node, inputs);
  const [a, b] = inputs.map(input => input.values);
  const values = a && b && a.length === b.length ? a.map((value, i) => sameValue(value, b[i])) : undefined;
  return [{ shape, values }];
};

const sameValue = (a: Dim, b: Dim): Dim => {
  if (a === null || b === null) {
    return null;
  }
  if (a === b) {
    return 1;
  }
  const numbers = typeof a === 'number' && typeof b === 'number';
  const negative = (typeof a === 'number' && a < 0) || (typeof b === 'number' && b < 0);
  return numbers || negative ? 0 : null;
};

export const where: Infer = (node, inputs) => {
  const [{ shape }] = elementwise()(node, inputs);
  const [condition, a, b] = inputs.map(input => input.values);
  const lengths = new Set([condition, a, b].map(values => values?.length));
  const values =
    condition && a && b && lengths.size === 1
      ? condition.map((c, i) => (c === null ? null : c ? a[i] : b[i]))
      : undefined;
  return [{ shape, values }];
};

export const shapeOf: Infer = (node, [x]) => {
  if (!x.shape) {
    return [UNKNOWN];
  }
  const values = x.shape.slice(intAttribute(node, 'start') ?? 0, intAttribute(node, 'end') ?? x.shape.length);
  return [{ shape: [values.length], values }];
};

export const range: Infer = (_, [start, limit, delta]) => {
  const counts = start.values?.[0] === 0 && delta.values?.[0] === 1;
  return [{ shape: [counts ? (limit.values?.[0] ?? null) : null] }];
};

export const constantOfShape: Infer = (node, [target]) => {
  const shape = target.values ?? ranked(target);
  const count = shape?.every(dim => typeof dim === 'number')
    ? (shape as number[]).reduce((n, dim) => n * dim, 1)
    : Infinity;
  const value = node.attributes.find(a => a.name === 'value')?.t;
  const few = shape && shape.length <= 1 && count <= MOST_VALUES;
  const [first] = few ? (value ? toFloat64(decodeTensor(value)) : [0]) : [];
  return [{ shape, values: few ? Array<Dim>(count).fill(first) : undefined, whole: value?.dataType === INT64 }];
};

export const NUMBERS: Readonly<Record<string, (...values: number[]) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Pow: (a, b) => a ** b,
  Sqrt: Math.sqrt,
  Reciprocal: a => 1 / a,
  Neg: a => -a,
  Mod: (a, b) => a - b * Math.floor(a / b),
  Max: Math.max,
  Min: Math.min
};
