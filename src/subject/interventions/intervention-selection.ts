import type { Tensor } from '../../onnx/tensor';
import { hookSizes, type RequestSizes } from '../cost';
import type { ServedHook } from '../hook-names';
import type { InterventionOp } from './intervention-ops';
import type { Intervention } from './interventions';

/** What of an axis is changed: `chosen` of `size`, all where absent. */
export interface AxisSelection {
  readonly size: number;
  readonly chosen?: readonly number[];
}

/** An intervention made ready: the operand broadcasts to what is selected and has the hook's rank. */
export interface Change {
  readonly op: InterventionOp;
  readonly alpha: number;
  readonly selection: readonly AxisSelection[];
  readonly operand: Tensor;
}

/** Which axes each field chooses from; a hook has one of them at most. */
const AXES = {
  row: ['batch'],
  heads: ['head'],
  pos: ['pos', 'query_pos'],
  features: ['d_model', 'd_embed', 'd_head', 'd_mlp', 'd_vocab', 'key_pos']
} as const;
const FIELDS = ['row', 'heads', 'pos', 'features'] as const;

/** Of each axis of the hook in this run. Throws for a field whose axis the hook lacks and for an index out of range. */
export const selectionOf = (
  hook: ServedHook,
  intervention: Intervention,
  sizes: RequestSizes,
  at: string
): readonly AxisSelection[] => {
  const selection: AxisSelection[] = hookSizes(hook, sizes).map(size => ({ size }));
  for (const field of FIELDS) {
    const chosen = intervention[field];
    const axis = hook.dims.findIndex(name => (AXES[field] as readonly string[]).includes(name));
    if (chosen !== undefined) {
      if (axis < 0) {
        throw new Error(`field wrong: '${field}' of ${at}, '${hook.name}' has the axes ${hook.dims.join(', ')}`);
      }
      const { size } = selection[axis];
      const places = chosen.map(index => inRange(index, size, `${at}.${field}`, hook.name));
      if (new Set(places).size < places.length) {
        throw new Error(`field wrong: ${at}.${field} names one place twice, from the front and from the end`);
      }
      selection[axis] = { size, chosen: places };
    }
  }
  return selection;
};

const inRange = (index: number, size: number, at: string, hook: string): number => {
  if (index >= size || index < -size) {
    throw new Error(`index out of range: ${at} is ${index}, '${hook}' has ${size} there`);
  }
  return index < 0 ? index + size : index;
};

/** How many of an axis are selected. */
export const selectedCount = ({ size, chosen }: AxisSelection): number => chosen?.length ?? size;
