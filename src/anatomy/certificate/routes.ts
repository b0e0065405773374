import { usesOf } from '../../graph/uses';
import type { Model, Node } from '../../onnx/model';
import { constantTensors } from '../constants/numbers';
import { stepsOf, type Steps } from '../constants/steps';
import type { ReadMatrix } from './layer-maths';
import { independent } from '../independent';
import { LINEAR, NORM_KINDS } from '../op-classes';
import { unrounded } from '../unrounded';

/** What happens to each number of a tensor on its way: rounded, times a factor (null: not known), plus a constant vector. */
export type Leg = { readonly rounds: Steps } | { readonly scales: number | null } | { readonly adds: string };

/** From one tensor to another, where the file rounds something between them. */
export interface Route {
  /** Until it meets what the second tensor is made of besides. */
  readonly before: readonly Leg[];
  readonly after: readonly Leg[];
}

/** Undefined where nothing is rounded on the way; a string says what is not understood. */
export type RouteBetween = (from: string, to: string, meeting: Meeting) => Route | string | undefined;

/** Where two tensors become one. */
export type Meeting = 'product' | 'sum' | 'softmax' | 'norm';

const MEETINGS: Readonly<Record<Meeting, ReadonlySet<string>>> = {
  product: new Set([...LINEAR, 'Conv']),
  sum: new Set(['Add']),
  softmax: new Set(['Softmax']),
  norm: new Set([...NORM_KINDS.keys(), 'Sub', 'Mul', 'Div'])
};

const MOST_TENSORS = 4000;

/** Roundings of activations by the file itself (static quantisation), as identities meet them. */
export const routesOf = (model: Model, read: ReadMatrix): RouteBetween => {
  const { nodes, grids } = unrounded(model);
  if (grids.size === 0) {
    return () => undefined;
  }
  const { producer } = usesOf({ ...model.graph, nodes });
  const tensors = constantTensors(model);
  const { fixed, sized } = independent(nodes, tensors.keys());
  const single = (tensor: string): number | null => {
    const data = fixed.has(tensor) ? read(tensor)?.data : undefined;
    return data?.length === 1 ? data[0] : null;
  };
  return (from, to, meeting) => {
    const path = pathBetween(tensor => producer(tensor)?.node, from, to);
    const legs: Leg[][] = [[], []];
    let met = 0;
    for (const [before, tensor] of path) {
      const node = producer(tensor)!.node;
      const other = node.inputs.find(input => input !== before && input !== '');
      const live = other !== undefined && !fixed.has(other);
      if (
        met === 0 &&
        MEETINGS[meeting].has(node.opType) &&
        (live || meeting === 'sum' || !ELEMENTWISE.has(node.opType))
      ) {
        met = 1;
      }
      legs[met].push(...legsOf(node, before, other, live && !sized.has(other), single));
      const grid = grids.get(tensor);
      const rounds = grid && stepsOf(grid, tensors, read);
      if (grid && !rounds) {
        return 'what it reads is rounded in steps that are not understood';
      }
      if (rounds && !endsSo(legs[met], rounds)) {
        legs[met].push({ rounds });
      }
    }
    return legs.flat().some(leg => 'rounds' in leg) ? { before: legs[0], after: legs[1] } : undefined;
  };
};

const ELEMENTWISE = new Set(['Add', 'Sub', 'Mul', 'Div']);

const legsOf = (
  { opType, inputs }: Node,
  before: string,
  other: string | undefined,
  live: boolean,
  single: (tensor: string) => number | null
): readonly Leg[] => {
  if (opType === 'Gemm' && inputs[2]) {
    return [{ adds: inputs[2] }];
  }
  if (other === undefined || !ELEMENTWISE.has(opType) || live) {
    return [];
  }
  const factor = single(other);
  return opType === 'Mul'
    ? [{ scales: factor }]
    : opType === 'Div' && before === inputs[0]
      ? [{ scales: factor === null ? null : 1 / factor }]
      : opType === 'Add'
        ? [{ adds: other }]
        : [];
};

/** Rounded so already, and only moved since. */
const endsSo = (legs: readonly Leg[], { scale, zero, low }: Steps): boolean => {
  const last = legs.at(-1);
  return (
    last !== undefined &&
    'rounds' in last &&
    [last.rounds.scale, last.rounds.zero, last.rounds.low].join() === [scale, zero, low].join()
  );
};

/** Pairs of neighbours along the shortest way; none where there is no way. */
const pathBetween = (
  producer: (tensor: string) => Node | undefined,
  from: string,
  to: string
): readonly (readonly [string, string])[] => {
  const next = new Map<string, string>();
  const queue = [to];
  for (let i = 0; i < queue.length && i < MOST_TENSORS && !next.has(from); i++) {
    for (const input of producer(queue[i])?.inputs ?? []) {
      if (input !== '' && input !== to && !next.has(input)) {
        next.set(input, queue[i]);
        queue.push(input);
      }
    }
  }
  const path: (readonly [string, string])[] = [];
  for (let at = from; next.has(at); at = next.get(at)!) {
    path.push([at, next.get(at)!]);
  }
  return path;
};
