import { intAttribute, intsAttribute } from '../attributes';
import { broadcast, product, quotient, type Dim } from './dims';
import { axesOf, axisOf, MOST_VALUES, ranked, times, UNKNOWN, type Infer, type Known } from './known';
import { inside, sliceRange, splitSizes } from './slice-range';

export const gather: Infer = (node, [data, indices]) => {
  if (!data.shape || !indices.shape) {
    return [UNKNOWN];
  }
  const axis = axisOf(intAttribute(node, 'axis') ?? 0, data.shape.length);
  const shape = [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)];
  return [{ shape, values: picked(data, indices) }];
};

const picked = ({ shape, values }: Known, indices: Known): readonly Dim[] | undefined => {
  if (!values || !indices.values || shape?.length !== 1) {
    return undefined;
  }
  return indices.values.map(i => (typeof i === 'number' ? (values.at(i) ?? null) : null));
};

export const unsqueeze: Infer = (node, [x, input]) => {
  const axes = axesOf(node, input);
  if (!x.shape || !axes) {
    return [UNKNOWN];
  }
  const rank = x.shape.length + axes.length;
  const added = new Set(axes.map(axis => axisOf(axis, rank)));
  const rest = [...x.shape];
  const shape = Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : rest.shift()!));
  return [{ shape, values: rank === 1 ? x.values : undefined }];
};

export const squeeze: Infer = (node, [x, input]) => {
  const rank = x.shape?.length ?? 0;
  const given = axesOf(node, input);
  if (!x.shape || (input && !given)) {
    return [UNKNOWN];
  }
  const axes = given?.map(axis => axisOf(axis, rank));
  const shape = x.shape.filter((dim, axis) => (axes ? !axes.includes(axis) : dim !== 1));
  return [{ shape, values: x.values }];
};

export const reshape: Infer = (node, [x, target]) => {
  const sizes = target?.values ?? intsAttribute(node, 'shape');
  if (!sizes) {
    return [{ shape: ranked(target) }];
  }
  const keep = intAttribute(node, 'allowzero') !== 1;
  const shape = sizes.map((size, axis) => (size === 0 && keep ? (x.shape?.[axis] ?? null) : size));
  const open = shape.indexOf(-1);
  if (open >= 0) {
    shape[open] = x.shape
      ? quotient(
          x.shape,
          shape.filter((_, axis) => axis !== open)
        )
      : null;
  }
  return [{ shape, values: shape.length <= 1 ? x.values : undefined }];
};

export const transpose: Infer = (node, [x]) => {
  const perm = intsAttribute(node, 'perm');
  return [{ shape: x.shape && (perm ? perm.map(axis => x.shape![axis] ?? null) : [...x.shape].reverse()) }];
};

export const concat: Infer = (node, inputs) => {
  const shapes = inputs.map(input => input.shape);
  if (!shapes.every(shape => shape !== undefined) || shapes.length === 0) {
    return [UNKNOWN];
  }
  const axis = axisOf(intAttribute(node, 'axis') ?? 0, shapes[0].length);
  const along = shapes.map(shape => shape[axis]);
  const total = along.every(dim => typeof dim === 'number')
    ? (along as number[]).reduce((sum, dim) => sum + dim, 0)
    : shapes.length === 1
      ? along[0]
      : null;
  const shape = shapes[0].map((dim, i) => (i === axis ? total : dim));
  const values = inputs.every(input => input.values) ? inputs.flatMap(input => input.values!) : undefined;
  return [{ shape, values: shape.length === 1 && values && values.length <= MOST_VALUES ? values : undefined }];
};

export const slice: Infer = (node, [x, ...rest]) => {
  const [starts, ends, axes, steps] = ['starts', 'ends', 'axes', 'steps'].map(
    (name, i) => intsAttribute(node, name) ?? rest[i]?.values
  );
  if (!x.shape || !starts || !ends) {
    return [{ shape: x.shape?.map(() => null) }];
  }
  const shape: Dim[] = [...x.shape];
  let values = x.values;
  starts.forEach((start, i) => {
    const axis = axisOf(Number(axes ? axes[i] : i), shape.length);
    const range = sliceRange(x.shape![axis], start, ends[i], steps ? steps[i] : 1);
    shape[axis] = range
      ? range.all
        ? x.shape![axis]
        : Math.max(0, Math.ceil((range.end - range.start) / range.step))
      : null;
    values = range && values ? (range.all ? values : values.filter((_, k) => inside(k, range))) : undefined;
  });
  return [{ shape, values: shape.length <= 1 ? values : undefined }];
};

export const split: Infer = (node, [x, input]) => {
  const count = node.outputs.length;
  const axis = x.shape ? axisOf(intAttribute(node, 'axis') ?? 0, x.shape.length) : 0;
  const sizes = splitSizes(node, x.shape?.[axis] ?? null, input?.values);
  return Array.from({ length: count }, (_, i) => ({
    shape: x.shape?.map((dim, k) => (k === axis ? (sizes?.[i] ?? null) : dim))
  }));
};

export const expand: Infer = (_, [x, target]) => {
  const sizes = target?.values ?? ranked(target);
  return [{ shape: x.shape && sizes ? broadcast([x.shape, sizes]) : undefined }];
};

export const tile: Infer = (_, [x, repeats]) => [
  { shape: x.shape?.map((dim, axis) => times(dim, repeats?.values?.[axis] ?? null)) }
];

export const flatten: Infer = (node, [x]) => {
  const axis = axisOf(intAttribute(node, 'axis') ?? 1, x.shape?.length ?? 0);
  return [{ shape: x.shape && [product(x.shape.slice(0, axis)), product(x.shape.slice(axis))] }];
};

export const reduce: Infer = (node, [x, input]) => {
  const axes = axesOf(node, input);
  if (!x.shape || (input && !axes)) {
    return [UNKNOWN];
  }
  const all = (axes ?? x.shape.map((_, axis) => axis)).map(axis => axisOf(axis, x.shape!.length));
  const keep = intAttribute(node, 'keepdims') !== 0;
  const shape = x.shape.flatMap((dim, axis) => (all.includes(axis) ? (keep ? [1] : []) : [dim]));
  return [{ shape }];
};
