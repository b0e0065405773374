import { tensorValue } from '../attributes';
import { int64Vector } from '../../onnx/make-tensor';
import { NO_KERNEL, type Call, type Refusal } from './rule';
import type { Scope } from './scope';

const INT64 = 7;
const INT_ZERO = tensorValue('value', int64Vector('', [0]));

/** What ONNX Runtime adds where a later position is masked: the lowest float32. */
export const LOWEST = -3.4028234663852886e38;

/** 0, 1, … as [count]; `count` is a 64-bit integer without axes. */
export const counted = (scope: Scope, count: string): string => scope.op('Range', [scope.int(0), count, scope.int(1)]);

/** Adds `fill` where `keep` is false: [..] of booleans → numbers of the type of `like`. */
export const additive = (scope: Scope, keep: string, fill: number, like: string): string =>
  scope.op('Where', [keep, scope.number(0, like), scope.number(fill, like)]);

export interface Places {
  /** [query, 1], or [batch, 1, query, 1]. */
  readonly queries: string;
  /** [1, key], or [batch, 1, 1, key]. */
  readonly keys: string;
}

/** Places in the sequence of so many queries and keys, both 64-bit integers; the first query has `start`, [] or [batch, 1, 1, 1]. */
export const places = (scope: Scope, queries: string, keys: string, start?: string): Places => {
  const own = scope.unsqueeze(counted(scope, queries), [1]);
  return {
    queries: start ? scope.op('Add', [own, start]) : own,
    keys: scope.unsqueeze(counted(scope, keys), [0])
  };
};

/** Keys up to the query's own place: booleans. */
export const notLater = (scope: Scope, { queries, keys }: Places): string =>
  scope.op('Not', [scope.op('Greater', [keys, queries])]);

/** The same where queries come after the past, whose keys lie in `k` before the `fresh` ones: booleans [query, key]. */
export const causal = (scope: Scope, q: string, k: string, fresh: string): string => {
  const [length, total] = [scope.size(q, 2), scope.size(k, 2)];
  const start = fresh === k ? undefined : scope.op('Sub', [total, scope.size(fresh, 2)]);
  return notLater(scope, places(scope, length, total, start));
};

/** Keys before the row's length: [batch] → booleans [batch, 1, 1, key]. A vector of another length fails when run. */
export const withinLengths = (scope: Scope, lengths: string, k: string): string =>
  scope.op('Less', [placesOfKeys(scope, k), ofEachRow(scope, lengths, k)]);

/** [batch] of integers → [batch, 1, 1, 1] of 64 bits; `k` has as many rows. A vector of another length fails when run. */
export const ofEachRow = (scope: Scope, vector: string, k: string): string =>
  ofRows(scope, scope.cast(vector, INT64), rowsOf(scope, k));

/** [1, 1, 1, key] */
const placesOfKeys = (scope: Scope, k: string): string => scope.unsqueeze(counted(scope, scope.size(k, 2)), [0, 1, 2]);

/** The number of rows, [1]. */
const rowsOf = (scope: Scope, k: string): string => scope.slice(scope.op('Shape', [k]), 0, 0, 1);

/** [batch] → [batch, 1, 1, 1] */
const ofRows = (scope: Scope, vector: string, rows: string): string =>
  scope.op('Reshape', [vector, scope.concat([rows, scope.ints([1, 1, 1])], 0)]);

/** The first keys of each row: the vector begins with the rows' lengths, whatever follows them. */
const beforeEnd = (scope: Scope, vector: string, k: string): string => {
  const rows = rowsOf(scope, k);
  return scope.op('Less', [placesOfKeys(scope, k), ofRows(scope, firstOf(scope, vector, rows), rows)]);
};

const firstOf = (scope: Scope, vector: string, rows: string): string =>
  scope.op('Slice', [scope.cast(vector, INT64), scope.ints([0]), rows]);

/** Keys between each row's start and its end: [2 · batch] are ends, then starts; without starts they are zero. */
const betweenEnds = (scope: Scope, vector: string, k: string): string => {
  const rows = rowsOf(scope, k);
  const twice = scope.op('Add', [rows, rows]);
  const all = scope.concat([scope.cast(vector, INT64), scope.op('ConstantOfShape', [rows], [INT_ZERO])], 0);
  const second = scope.op('Slice', [all, rows, twice]);
  const given = scope.cast(scope.op('Equal', [scope.op('Shape', [vector]), twice]), INT64);
  const starts = ofRows(scope, scope.op('Mul', [second, given]), rows);
  const early = scope.op('Less', [placesOfKeys(scope, k), starts]);
  return scope.op('And', [beforeEnd(scope, vector, k), scope.op('Not', [early])]);
};

/** A mask of integers, ONNX Runtime's way: above zero is kept. [batch, key] or [batch, query, key] → rank 4. */
const aboveZero = (scope: Scope, mask: string, rank: number): string =>
  scope.unsqueeze(scope.op('Greater', [mask, scope.number(0, mask)]), rank === 2 ? [1, 2] : [1]);

export const MASK_AXES = `its mask '…' has … axes, only 1 to 3 are understood (${NO_KERNEL})`;

/** What a mask of one axis says. */
const VECTORS = { ends: beforeEnd, 'ends and starts': betweenEnds };

/** Numbers to add for a mask of com.microsoft: raw, [batch, key] or [batch, query, key], or a vector of places. */
export const padding = (
  call: Call,
  scope: Scope,
  mask: string,
  k: string,
  vector: keyof typeof VECTORS
): string | Refusal => {
  const rank = scope.rank(mask);
  if (rank !== 1 && rank !== 2 && rank !== 3) {
    return call.refuse(MASK_AXES, mask, rank ?? 'an unknown number of');
  }
  const keep = rank === 1 ? VECTORS[vector](scope, mask, k) : aboveZero(scope, mask, rank);
  return additive(scope, keep, call.float('mask_filter_value') ?? -10000, k);
};
