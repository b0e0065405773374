import type { Numbers } from '../../onnx/numbers';
import { addTimes } from './add-times';
import type { CheckContext } from './identity';
import { boundOn, roundOn } from './rounding';
import type { Leg } from './routes';

export type Routes = readonly ReturnType<CheckContext['route']>[];

/** What is rounded behind the meeting. */
export const afterOf = (route: Routes[number]): readonly Leg[] => (typeof route === 'object' ? route.after : []);

/** A summand as the file rounds it in front of the sum. */
export const roundedPart = (x: Numbers, route: Routes[number]): Numbers =>
  typeof route === 'object' ? roundOn(x, route.before) : x;

/** The sum, within what is rounded behind it: of three summands two are met first, and rounded once more. */
export const boundedSum = (
  parts: readonly Numbers[],
  routes: Routes
): { readonly computed: Float64Array; readonly slack: number } => {
  const [longest] = routes.map(afterOf).sort((a, b) => b.length - a.length);
  const { slack } = boundOn(new Float64Array(0), longest);
  const { y } = boundOn(added(parts), longest?.slice(-1));
  return { computed: y, slack };
};

/** Of one summand at least, in float64. */
export const added = ([first, ...others]: readonly Numbers[]): Float64Array => {
  const out = new Float64Array(first);
  others.forEach(other => addTimes(out, 1, other));
  return out;
};
