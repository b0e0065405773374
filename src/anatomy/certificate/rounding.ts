import { onSteps, reachOf } from '../constants/steps';
import type { Numbers } from '../../onnx/numbers';
import type { Leg } from './routes';

/** As the file rounds it on these legs, number by number. */
export const roundOn = (x: Numbers, legs: readonly Leg[] = [], factor = 1): Numbers =>
  legs.reduce<Numbers>(
    (at, leg) =>
      'rounds' in leg
        ? Float64Array.from(at, value => onSteps(value, leg.rounds))
        : 'scales' in leg
          ? Float64Array.from(at, value => value * (leg.scales ?? factor))
          : at,
    x
  );

/** What a rounded number may be, and how far it may lie from that. */
export interface Bounded {
  readonly y: Float64Array;
  /** Half a step for each rounding, times the factors behind it. */
  readonly slack: number;
}

/**
 * Numbers that the file rounds on these legs, cut off where its steps end. `add`: what each constant on the way adds. `factor` stands for those that
 * are not known.
 */
export const boundOn = (
  y: Float64Array,
  legs: readonly Leg[] = [],
  { add, factor = 1 }: { readonly add?: (tensor: string, at: number) => number; readonly factor?: number } = {}
): Bounded =>
  legs.reduce<Bounded>(
    ({ y: at, slack }, leg) => {
      if ('rounds' in leg) {
        const [low, high] = reachOf(leg.rounds);
        return {
          y: at.map(value => Math.min(high, Math.max(low, value))),
          slack: slack + Math.abs(leg.rounds.scale) / 2
        };
      }
      if ('scales' in leg) {
        const by = leg.scales ?? factor;
        return { y: at.map(value => value * by), slack: slack * Math.abs(by) };
      }
      return { y: add ? at.map((value, i) => value + add(leg.adds, i)) : at, slack };
    },
    { y, slack: 0 }
  );
