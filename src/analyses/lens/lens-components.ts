import type { Context } from '../../subject/context';
import type { Subject } from '../../subject/subject';
import { frozenNorm, NO_NORM } from '../circuits/frozen-norm';
import { rowOf, streamHook } from '../circuits/stream-parts';
import { floats } from '../floats';
import { missingHook } from '../hooks';
import { lensReading, outputOf, type LensReading } from './lens-rows';
import { lensRequest, lensRows, split, unembed, type LensRun } from './lens-run';
import { quiet } from '../quiet';

/** What the components make must be the model's output, relative to the largest logit: quantised weights round. */
const TOLERANCE = 5e-3;

/** Why components' logits do not add up, or undefined when they do. */
export function refusesComponents(subject: Subject): string | undefined {
  const { norm, finalNorm } = subject.tower;
  if (norm.placement === 'post') {
    return 'its blocks have post-norms: what a part writes is normalised together with what others wrote, so that it is no term of a sum';
  }
  if (finalNorm && finalNorm.epsilon === undefined) {
    return 'its final norm has no known epsilon';
  }
  const hooks = [...lensRows(subject, 'component').map(({ hook }) => hook), streamHook(subject, subject.tower.layers)];
  return missingHook(subject, hooks);
}

/**
 * Logits of each component, the final norm's scale σ held at what the whole stream has. With f the file's own norm and unembedding, f(c) = L(c)/σ(c) + f(0)
 * for a linear L, so that σ(c)/σ · (f(c) − f(0)) is the component's term, and the terms and f(0) add up to the output. Throws where they do not.
 */
export async function lensComponents(
  subject: Subject,
  ids: readonly number[],
  positions: readonly number[],
  k: number,
  context: Context
): Promise<LensRun> {
  const hooks = lensRows(subject, 'component').map(({ hook }) => hook);
  const stream = streamHook(subject, subject.tower.layers);
  const cache = await subject.forward(lensRequest(subject, ids, 'component'), quiet(context));
  const { logits } = subject.tower.head!;
  const outputs = split(floats(cache.get(logits), logits), ids.length);
  const scaleOf = normScale(subject);
  const columns: Column[] = [];
  let outputError = 0;
  for (const [done, position] of positions.entries()) {
    context.signal.throwIfAborted();
    context.progress({ done, total: positions.length, label: `position ${done + 1} of ${positions.length}` });
    const parts = hooks.map(hook => rowOf(cache, hook, position));
    const rows = [new Float64Array(parts[0].length), ...parts].map(row => Float32Array.from(row));
    const [constant, ...found] = await unembed(subject, rows, context);
    const whole = scaleOf(rowOf(cache, stream, position));
    const terms = found.map((row, at) => {
      const factor = scaleOf(parts[at]) / whole;
      return row.map((value, id) => factor * (value - constant[id]));
    });
    outputError = Math.max(outputError, checkSum(terms, constant, outputs[position]));
    columns.push(readColumn(terms, outputs[position], k));
  }
  return {
    readings: [...hooks, ''].map((_, row) => columns.map(column => column.readings[row])),
    contributions: [...hooks, ''].map((_, row) => columns.map(column => column.contributions[row])),
    outputError
  };
}

/** One position; the output is last. */
interface Column {
  readonly readings: readonly LensReading[];
  readonly contributions: readonly number[];
}

function readColumn(terms: readonly Float32Array[], output: Float32Array, k: number): Column {
  const own = outputOf(output);
  const rows = [...terms, output];
  return {
    readings: rows.map(row => lensReading(row, own, k)),
    contributions: rows.map(row => row[own.top] - row.reduce((sum, value) => sum + value, 0) / row.length)
  };
}

/** σ of the final norm at a vector; 1 without one. */
function normScale({ tower }: Subject): (vector: Float64Array) => number {
  const { finalNorm } = tower;
  return vector => (finalNorm ? frozenNorm(finalNorm, undefined, vector) : NO_NORM).scale;
}

function checkSum(terms: readonly Float32Array[], constant: Float32Array, output: Float32Array): number {
  let [error, largest] = [0, 1];
  output.forEach((value, id) => {
    const sum = terms.reduce((total, row) => total + row[id], constant[id]);
    error = Math.max(error, Math.abs(sum - value));
    largest = Math.max(largest, Math.abs(value));
  });
  if (!(error <= TOLERANCE * largest)) {
    throw new Error(
      `components do not add up: they make logits that differ from the model's own by ${error.toPrecision(3)}, at most ${(TOLERANCE * largest).toPrecision(3)} are allowed; its logits are no linear function of what the final norm gives`
    );
  }
  return error;
}
