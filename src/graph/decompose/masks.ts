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

/** Places of queries [query, 1] and keys [1, key] in the sequence; `q` and `k` are [batch, heads, pos, dim]. */
export const places = (scope: Scope, q: string, k: string): { queries: string; keys: string } => {
  const [length, total] = [scope.size(q, 2), scope.size(k, 2)];
  const past = scope.op('Sub', [total, length]);
  const queries = scope.op('Add', [counted(scope, length), past]);
  return { queries: scope.unsqueeze(queries, [1]), keys: scope.unsqueeze(counted(scope, total), [0]) };
};

/** Keys up to the query's own place, which comes after those of the past: booleans [query, key]. */
export const causal = (scope: Scope, q: string, k: string): string => {
  const { queries, keys } = places(scope, q, k);
  return scope.op('Not', [scope.op('Greater', [keys, queries])]);
};

/** Keys before the row's length: [batch] → booleans [batch, 1, 1, key]. A vector of another length fails when run. */
export const withinLengths = (scope: Scope, lengths: string, k: string): string =>
  scope.op('Less', [placesOfKeys(scope, k), ofRows(scope, scope.cast(lengths, INT64), rowsOf(scope, k))]);

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
