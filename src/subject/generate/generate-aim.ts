import type { AxisSelection, Change } from '../interventions/intervention-selection';
import type { PlannedChange } from '../interventions/intervention-plan';

/** While generating: at the prompt's positions alone, or also at each new one. */
export type When = 'prompt' | 'always';

/** A run of some of the sequence's positions, [from, to), the ones before `from` cached. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * A change that was made ready for the prompt, at its places in another run of the sequence: a position is changed when it is computed, and stays so.
 * 'always' goes on at each new position where the change names no positions, or -1, the last one so far.
 */
export const aimChange = (change: PlannedChange, prompt: number, when: When, span: Span): Change => ({
  ...change,
  selection: change.selection.map((axis, at) => {
    const name = change.hook.dims[at];
    if (name === 'pos' || name === 'query_pos') {
      return positions(axis, when === 'always' && goesOn(change), prompt, span);
    }
    return name === 'key_pos' ? keys(axis, change.operand.dims[at], prompt, span) : axis;
  })
});

/** Throws where 'always' has no numbers for new positions: one number a position of the prompt. */
export const checkGoesOn = (change: PlannedChange, when: When): void => {
  const { hook, operand, at } = change;
  const own = hook.dims.findIndex((name, axis) => POSITIONS.has(name) && operand.dims[axis] > 1);
  if (when === 'always' && goesOn(change) && own >= 0) {
    throw new Error(
      `value wrong: ${at} has one number for each '${hook.dims[own]}' of the prompt and none for new ones, so say when 'prompt' or give pos`
    );
  }
};

const POSITIONS: ReadonlySet<string> = new Set(['pos', 'query_pos', 'key_pos']);

const goesOn = ({ intervention: { pos } }: PlannedChange): boolean => pos === undefined || pos.includes(-1);

const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);

const positions = ({ chosen }: AxisSelection, onward: boolean, prompt: number, { from, to }: Span): AxisSelection => {
  const size = to - from;
  if (chosen === undefined && (onward || to <= prompt)) {
    return { size };
  }
  const places = [...(chosen ?? range(0, prompt)), ...(onward ? range(prompt, to) : [])];
  return { size, chosen: places.filter(place => place >= from && place < to).map(place => place - from) };
};

/** Keys are those of the whole sequence; numbers that were given for the prompt's stay there. */
const keys = ({ chosen }: AxisSelection, own: number, prompt: number, { to }: Span): AxisSelection => ({
  size: to,
  ...(chosen ? { chosen } : own > 1 && { chosen: range(0, prompt) })
});
