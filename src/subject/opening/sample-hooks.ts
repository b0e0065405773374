import type { Anatomy, Hook, HookSource } from '../../anatomy/anatomy';
import { isSampled, positionAxis, type Sampling } from '../../anatomy/certificate/sampling';
import { createBuilder, untyped } from '../../graph/build';
import { takenNames } from '../../graph/decompose/taken-names';
import { applyEdits } from '../../graph/edit';
import { int } from '../../graph/attributes';
import type { Model } from '../../onnx/model';
import type { ServedHook } from '../hook-names';

/**
 * The model with outputs for the hooks, of those of a long sequence the rows at the sampled places alone, which a Gather picks: for a run
 * of one row. The hooks are read from these outputs.
 */
export const sampleHooks = (
  model: Model,
  anatomy: Anatomy,
  hooks: readonly ServedHook[],
  sampling: Sampling
): { readonly model: Model; readonly hooks: readonly ServedHook[] } => {
  const builder = createBuilder(takenNames(model.graph));
  const places = builder.ints(sampling.places);
  const picked = new Map<string, string>();
  const pick = (tensor: string, axis: number): string => {
    const known = picked.get(tensor) ?? builder.node('Gather', [tensor, places], [int('axis', axis)]);
    picked.set(tensor, known);
    return known;
  };
  const read = hooks.map(hook => {
    if (!isSampled(anatomy, sampling, hook)) {
      return hook;
    }
    const { tensor, steps } = hook.source;
    return {
      ...hook,
      source: { tensor: pick(tensor, fileAxis(hook)), steps: steps.map(step => resized(step, sampling)) }
    };
  });
  const outputs = [...new Set(read.map(({ source }) => source.tensor))];
  const edits = [...builder.edits(), ...outputs.map(name => ({ op: 'add-output', info: untyped(name) }) as const)];
  return { model: { ...model, graph: applyEdits(model.graph, edits) }, hooks: read };
};

/** The axis of positions in the file's tensor, whose batch is one row: before the steps that bring it to the hook's shape. */
const fileAxis = ({ dims, source }: Pick<Hook, 'dims'> & { readonly source: HookSource }): number =>
  [...source.steps].reverse().reduce((axis, step) => {
    switch (step.op) {
      case 'transpose':
        return step.perm[axis];
      // Rows of a batch and positions are one axis, or heads are one with the batch before, or with what is behind.
      case 'reshape':
        return step.shape.length === 3 ? 0 : 1;
      case 'expand':
        return -2;
      default:
        return axis;
    }
  }, positionAxis(dims));

type Step = HookSource['steps'][number];

/** Positions are as many as places. */
const resized = (step: Step, { places }: Sampling): Step =>
  step.op === 'reshape' || step.op === 'expand'
    ? {
        ...step,
        shape: (step.shape as readonly (number | 'batch' | 'pos')[]).map(size =>
          size === 'pos' ? places.length : size
        )
      }
    : step;
