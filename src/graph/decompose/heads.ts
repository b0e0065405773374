import type { Scope } from './scope';

/** [batch, pos, heads · dim] → [batch, heads, pos, dim]; the tensor that the flat one was made of, where there is one. */
export const partHeads = (scope: Scope, x: string, heads: number): string => {
  const { parted } = scope.form(x);
  return parted !== undefined && scope.form(parted).shape?.[1] === heads
    ? parted
    : scope.transpose(scope.reshape(x, [0, 0, heads, -1]), [0, 2, 1, 3]);
};

/** [batch, heads, pos, dim] → [batch, pos, heads · dim]. */
export const mergeHeads = (scope: Scope, x: string): string => {
  const flat = scope.reshape(scope.transpose(x, [0, 2, 1, 3]), [0, 0, -1]);
  scope.markParted(flat, x);
  return flat;
};

/** [batch, kv heads, pos, dim] → [batch, heads, pos, dim]: each key/value head for `heads / kvHeads` query heads in a row. */
export const repeatHeads = (scope: Scope, x: string, heads: number, kvHeads: number): string => {
  if (heads === kvHeads) {
    return x;
  }
  const five = scope.unsqueeze(x, [2]);
  const wide = scope.op('Expand', [five, scope.ints([1, 1, heads / kvHeads, 1, 1])]);
  const shape = scope.op('Shape', [x]);
  const part = (start: number, end: number): string => scope.slice(shape, 0, start, end);
  return scope.op('Reshape', [wide, scope.concat([part(0, 1), scope.ints([heads]), part(2, 4)], 0)]);
};

/** The same where the numbers of heads are known only when it runs: those of `q` are wanted. */
export const repeatHeadsLike = (scope: Scope, x: string, q: string): string => {
  const [shape, queries] = [x, q].map(tensor => scope.op('Shape', [tensor]));
  const part = (of: string, start: number, end: number): string => scope.slice(of, 0, start, end);
  const group = scope.op('Div', [part(queries, 1, 2), part(shape, 1, 2)]);
  const five = scope.unsqueeze(x, [2]);
  const wide = scope.op('Expand', [five, scope.concat([scope.ints([1, 1]), group, scope.ints([1, 1])], 0)]);
  return scope.op('Reshape', [wide, scope.concat([part(shape, 0, 1), part(queries, 1, 2), part(shape, 2, 4)], 0)]);
};

/** Keys or values before the new ones, along the positions. */
export const withPast = (scope: Scope, past: string | undefined, x: string): string =>
  past ? scope.concat([past, x], 2) : x;
