import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What test/fixtures/geometry.py wrote. */
export const oracle = <T>(): T =>
  JSON.parse(readFileSync(join(__dirname, '../../fixtures/analyses/geometry.json'), 'utf8')) as T;

/** Models of the fixtures: post-norm encoder, pre-norm with layer norm, pre-norm with RMS norm. */
export const MODELS = [
  ['gpt2', 'optimum'],
  ['gpt2', 'dynamo'],
  ['llama', 'optimum'],
  ['bert', 'optimum']
] as const;

/** Ids as the field `texts` takes them. */
export const lines = (ids: readonly (readonly number[])[]): string => ids.map(row => row.join(',')).join('\n');

/** Largest difference relative to the size of the expected number. */
export const relative = (found: readonly number[], expected: readonly number[]): number => {
  expect(found.length).toBe(expected.length);
  return expected.reduce(
    (most, value, i) => Math.max(most, Math.abs(found[i] - value) / Math.max(1e-9, Math.abs(value))),
    0
  );
};
