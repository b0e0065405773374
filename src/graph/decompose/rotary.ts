import { int } from '../attributes';
import { mergeHeads, partHeads } from './heads';
import { counted } from './masks';
import { MICROSOFT, type Call, type Outputs, type Refusal, type Row } from './rule';
import type { Scope } from './scope';

export interface Angles {
  /** Broadcastable to [batch, heads, pos, rotated dims / 2]. */
  readonly cos: string;
  readonly sin: string;
}

export interface Rotation extends Angles {
  readonly interleaved: boolean;
  /** How many of a head's dims are rotated; 0 is all. */
  readonly dims: number;
}

/**
 * Pairs of dims (a, b) → (a cos − b sin, b cos + a sin) (Su et al. 2021): first and second half of the rotated dims, or
 * neighbours where interleaved. x is [batch, heads, pos, dim].
 */
export const rotate = (scope: Scope, x: string, { cos, sin, interleaved, dims }: Rotation): string => {
  const turned = dims > 0 ? scope.slice(x, 3, 0, dims) : x;
  const [a, b] = interleaved
    ? [scope.slice(turned, 3, 0, Infinity, 2), scope.slice(turned, 3, 1, Infinity, 2)]
    : scope.split(turned, 3, 'halves');
  const times = (side: string, angle: string): string => scope.op('Mul', [side, angle]);
  const real = scope.op('Sub', [times(a, cos), times(b, sin)]);
  const imaginary = scope.op('Add', [times(b, cos), times(a, sin)]);
  const whole = interleaved ? woven(scope, real, imaginary) : scope.concat([real, imaginary], 3);
  return dims > 0 ? scope.concat([whole, scope.slice(x, 3, dims, Infinity)], 3) : whole;
};

const woven = (scope: Scope, even: string, odd: string): string =>
  scope.reshape(scope.concat([scope.unsqueeze(even, [4]), scope.unsqueeze(odd, [4])], 4), [0, 0, 0, -1]);

/** Rows of the tables [places, dims / 2] at positions [batch or 1, pos] → [batch or 1, 1, pos, dims / 2]. */
export const anglesAt = (scope: Scope, cosTable: string, sinTable: string, positions: string): Angles => {
  const look = (table: string): string =>
    scope.transpose(scope.op('Gather', [scope.unsqueeze(table, [1]), positions], [int('axis', 0)]), [0, 2, 1, 3]);
  return { cos: look(cosTable), sin: look(sinTable) };
};

const AXES = "the number of axes of '…' is not known to be 3 or 4";
const WIDTH = "neither its attribute 'num_heads' nor the width of its tables is known";
const POSITIONS = "the number of axes of '…' is not known to be 1 or 2";

type Turn = (heads: string) => string | Refusal;

/** X is [batch, heads, pos, dim], or [batch, pos, heads · dim] of `num_heads`, or of heads as wide as `width` says. */
const onHeads = (call: Call, scope: Scope, x: string, width: number | undefined, turn: Turn): Outputs | Refusal => {
  const rank = scope.rank(x);
  const heads = call.int('num_heads') || undefined;
  if (rank !== 3 && rank !== 4) {
    return call.refuse(AXES, x);
  }
  if (rank === 3 && heads === undefined && width === undefined) {
    return call.refuse(WIDTH);
  }
  const flat = rank === 3;
  const parted = !flat
    ? x
    : heads
      ? partHeads(scope, x, heads)
      : scope.transpose(scope.reshape(x, [0, 0, -1, width!]), [0, 2, 1, 3]);
  const turned = turn(parted);
  return typeof turned === 'string' ? [flat ? mergeHeads(scope, turned) : turned] : turned;
};

/** com.microsoft: positions are [batch, pos], or one number that the first position has. */
const microsoft = (call: Call, scope: Scope): Outputs | Refusal => {
  const [cosTable, sinTable, ids] = ['cos_cache', 'sin_cache', 'position_ids'].map(call.required);
  const half = scope.form(cosTable).shape?.[1];
  const dims = call.int('rotary_embedding_dim') ?? 0;
  return onHeads(
    call,
    scope,
    call.required('input'),
    typeof half === 'number' && dims === 0 ? 2 * half : undefined,
    x => {
      const rank = scope.rank(ids);
      if (rank !== 1 && rank !== 2) {
        return call.refuse(POSITIONS, ids);
      }
      const first = (): string => scope.op('Add', [counted(scope, scope.size(x, 2)), ids]);
      const positions = rank === 2 ? ids : scope.unsqueeze(first(), [0]);
      const angles = anglesAt(scope, cosTable, sinTable, positions);
      return rotate(scope, x, { ...angles, interleaved: call.int('interleaved') === 1, dims });
    }
  );
};

/** ai.onnx 23: without positions the tables are [batch, pos, dims / 2] already. */
const standard = (call: Call, scope: Scope): Outputs | Refusal => {
  const [cos, sin] = ['cos_cache', 'sin_cache'].map(call.required);
  const ids = call.input('position_ids');
  const dims = call.int('rotary_embedding_dim') ?? 0;
  return onHeads(call, scope, call.required('X'), undefined, x => {
    const angles = ids
      ? anglesAt(scope, cos, sin, ids)
      : { cos: scope.unsqueeze(cos, [1]), sin: scope.unsqueeze(sin, [1]) };
    return rotate(scope, x, { ...angles, interleaved: call.int('interleaved') === 1, dims });
  });
};

export const ROTARY: readonly Row[] = [
  {
    domains: [MICROSOFT],
    type: 'RotaryEmbedding',
    inputs: ['input', 'position_ids', 'cos_cache', 'sin_cache'],
    attributes: ['interleaved', 'num_heads', 'rotary_embedding_dim'],
    // A packed batch may be longer than the tables: nothing that positions do not say.
    only: { is_packed_batching: [0, 1], scale: [1] },
    because: { scale: 'the kernel of ONNX Runtime leaves it out' },
    limits: [AXES, WIDTH, POSITIONS],
    rule: microsoft
  },
  {
    domains: [''],
    type: 'RotaryEmbedding',
    inputs: ['X', 'cos_cache', 'sin_cache', 'position_ids?'],
    attributes: ['interleaved', 'num_heads', 'rotary_embedding_dim'],
    limits: [AXES, WIDTH],
    rule: standard
  }
];
