import type { HookStep } from '../anatomy/anatomy';
import { int, ints } from '../graph/attributes';
import type { Builder } from '../graph/build';

/** Names of vectors of one 64-bit integer. */
export interface RunSizeNames {
  readonly batch: string;
  readonly pos: string;
}

/** A tensor in a hook's coordinates, and how a tensor of that shape becomes one of the file's again. */
export interface HookView {
  readonly tensor: string;
  /** Adds the nodes that undo the steps; returns the name of what they make. */
  back(changed: string): string;
}

/**
 * Adds nodes that bring `tensor` to a hook's shape, and can add those that bring it back: reshapes and transpositions are
 * undone; a slice is put back between what lay before and behind it; slices thinned out by 'every' are repeated, so that all
 * copies of a key/value head change alike. An expanded tensor stays expanded. Throws for 'normalise', which has no inverse.
 */
export const viewHook = (
  builder: Builder,
  tensor: string,
  steps: readonly HookStep[],
  sizes: () => RunSizeNames
): HookView =>
  steps.reduce<HookView>(
    (view, step) => {
      const next = addStep(builder, view.tensor, step, sizes);
      return { tensor: next.tensor, back: changed => view.back(next.back(changed)) };
    },
    { tensor, back: changed => changed }
  );

const addStep = (builder: Builder, tensor: string, step: HookStep, sizes: () => RunSizeNames): HookView => {
  switch (step.op) {
    case 'reshape':
      return {
        tensor: builder.node('Reshape', [tensor, shapeVector(builder, step.shape, sizes)]),
        back: changed => builder.node('Reshape', [changed, builder.node('Shape', [tensor])])
      };
    case 'transpose': {
      const inverse = step.perm.map((_, axis) => step.perm.indexOf(axis));
      return {
        tensor: builder.node('Transpose', [tensor], [ints('perm', step.perm)]),
        back: changed => builder.node('Transpose', [changed], [ints('perm', inverse)])
      };
    }
    case 'slice':
      return slice(builder, tensor, step);
    case 'every':
      return every(builder, tensor, step);
    case 'expand':
      return {
        tensor: builder.node('Expand', [tensor, shapeVector(builder, step.shape, sizes)]),
        back: changed => changed
      };
    case 'normalise':
      throw new Error(`step without inverse: '${step.kind}' normalisation of '${tensor}' cannot be undone`);
  }
};

const shapeVector = (
  builder: Builder,
  shape: readonly (number | 'batch' | 'pos')[],
  sizes: () => RunSizeNames
): string => {
  if (shape.every(size => typeof size === 'number')) {
    return builder.ints(shape);
  }
  const parts = shape.map(size => (typeof size === 'number' ? builder.ints([size]) : sizes()[size]));
  return builder.node('Concat', parts, [int('axis', 0)]);
};

const END = 2 ** 31 - 1;

const slice = (
  builder: Builder,
  tensor: string,
  { axis, start, end }: Extract<HookStep, { op: 'slice' }>
): HookView => {
  const part = (from: number, to: number): string =>
    builder.node('Slice', [tensor, builder.ints([from]), builder.ints([to]), builder.ints([axis])]);
  return {
    tensor: part(start, end),
    back: changed => {
      const pieces = [...(start > 0 ? [part(0, start)] : []), changed, part(end, END)];
      return builder.node('Concat', pieces, [int('axis', axis)]);
    }
  };
};

/** Copies lie side by side: [kv, step, …] merged to [kv · step, …], as grouped attention repeats its heads. */
const every = (builder: Builder, tensor: string, { axis, step }: Extract<HookStep, { op: 'every' }>): HookView => {
  const thin = [tensor, builder.ints([0]), builder.ints([END]), builder.ints([axis]), builder.ints([step])];
  return {
    tensor: builder.node('Slice', thin),
    back: changed => {
      const shape = builder.node('Shape', [tensor]);
      const before = Array.from({ length: axis + 1 }, (_, at) => at);
      const kept = builder.node('Gather', [builder.node('Shape', [changed]), builder.ints(before)]);
      const parted = builder.node('Concat', [kept, builder.ints([1]), rest(builder, shape, axis)], [int('axis', 0)]);
      const repeated = builder.node(
        'Concat',
        [kept, builder.ints([step]), rest(builder, shape, axis)],
        [int('axis', 0)]
      );
      const copies = builder.node('Expand', [builder.node('Reshape', [changed, parted]), repeated]);
      return builder.node('Reshape', [copies, shape]);
    }
  };
};

/** The sizes behind an axis. */
const rest = (builder: Builder, shape: string, axis: number): string =>
  builder.node('Slice', [shape, builder.ints([axis + 1]), builder.ints([END]), builder.ints([0])]);
