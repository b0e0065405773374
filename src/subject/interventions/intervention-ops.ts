import type { Stage } from '../../surgery/intervene';

export type InterventionOp = 'zero' | 'mean' | 'resample' | 'set' | 'add' | 'scale' | 'project_out' | 'patch' | 'lerp';

type Rule = 'refused' | 'optional' | 'required';

export interface OpRow {
  readonly stage: Stage;
  /** What the operation works with besides the hook's value. */
  readonly operand: 'none' | 'value' | 'from' | 'either';
  readonly fields: { readonly alpha: Rule; readonly over: Rule; readonly features: Rule };
  /** The factors of x and of the operand o, x' = x · kept + o · taken; absent where x' = o. */
  readonly mix?: (operand: number, alpha: number) => { readonly kept: number; readonly taken: number };
}

const PLAIN = { alpha: 'refused', over: 'refused', features: 'optional' } as const;

export const INTERVENTION_OPS: Readonly<Record<InterventionOp, OpRow>> = {
  zero: { stage: 'affine', operand: 'none', fields: PLAIN },
  mean: { stage: 'affine', operand: 'from', fields: { ...PLAIN, over: 'optional' } },
  resample: { stage: 'affine', operand: 'from', fields: PLAIN },
  set: { stage: 'affine', operand: 'value', fields: PLAIN },
  patch: { stage: 'affine', operand: 'from', fields: PLAIN },
  add: {
    stage: 'affine',
    operand: 'either',
    fields: { ...PLAIN, alpha: 'optional' },
    mix: (_, alpha) => ({ kept: 1, taken: alpha })
  },
  scale: { stage: 'affine', operand: 'value', fields: PLAIN, mix: operand => ({ kept: operand, taken: 0 }) },
  lerp: {
    stage: 'affine',
    operand: 'either',
    fields: { ...PLAIN, alpha: 'required' },
    mix: (_, alpha) => ({ kept: 1 - alpha, taken: alpha })
  },
  project_out: { stage: 'project', operand: 'value', fields: { ...PLAIN, features: 'refused' } }
};
