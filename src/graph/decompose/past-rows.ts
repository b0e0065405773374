import { counted, ofEachRow, places, type Places } from './masks';
import type { Call } from './rule';
import type { Scope } from './scope';

/** Where the queries and keys of a GroupQueryAttention stand in their rows; its keys are the past's, then as many new ones as queries. */
export interface PastRows {
  readonly places: Places;
  /** Which keys stand for something: booleans, [batch, 1, 1, key]. */
  readonly filled: string;
  /** Of the queries, [batch or 1, query]. */
  positions(): string;
}

export const pastRows = (call: Call, scope: Scope, q: string): PastRows => {
  const length = scope.size(q, 2);
  const [past, last] = [call.input('past_key'), call.required('seqlens_k')];
  const end = scope.op('Add', [ofEachRow(scope, last, q), scope.int(1)]);
  if (!past) {
    const own = places(scope, length, length);
    return {
      places: own,
      filled: scope.op('Less', [own.keys, end]),
      positions: () => scope.unsqueeze(counted(scope, length), [0])
    };
  }
  const room = scope.size(past, 2);
  const start = between(scope, scope.op('Sub', [end, length]), room);
  const { queries, keys: slots } = places(scope, length, scope.op('Add', [room, length]), start);
  const old = scope.op('Less', [slots, room]);
  // New keys follow what is filled of the past, though they lie behind all of it.
  const keys = scope.op('Where', [old, slots, scope.op('Add', [slots, scope.op('Sub', [start, room])])]);
  const unfilled = scope.op('And', [old, scope.op('Not', [scope.op('Less', [slots, start])])]);
  return {
    places: { queries, keys },
    filled: scope.op('And', [scope.op('Less', [keys, end]), scope.op('Not', [unfilled])]),
    positions: () => scope.squeeze(queries, [1, 3])
  };
};

/** From 0 on: at a prompt rows may end before their queries do. */
const between = (scope: Scope, x: string, most: string): string =>
  scope.op('Min', [scope.op('Max', [x, scope.int(0)]), most]);
