import type { Tensor } from '../onnx/tensor';
import type { Context } from '../subject/context';
import type { ForwardRequest, Subject } from '../subject/subject';
import { floats } from './floats';
import { blockHook } from './hooks';
import type { LensReading } from './lens-rows';
import { lensReading, outputOf } from './lens-rows';
import { quiet } from './quiet';

/** Multiplications of one unembedding: some tenths of a second in wasm, within which a cancel is not heard. */
const CHUNK_PRODUCTS = 2 ** 30;
/** The lens on the last block must be the model's output, relative to the largest logit: single precision and no more. */
const TOLERANCE = 1e-3;

/** The stream before the first block, and after each block what the head reads after the last one. */
export function residuals(subject: Subject): string[] {
  const { head, layers } = subject.tower;
  const after = Array.from({ length: layers }, (_, layer) => head!.hook.replace(/blocks\.\d+\./, `blocks.${layer}.`));
  return [blockHook(subject, 0, 'hook_resid_pre'), ...after];
}

export function lensRequest(subject: Subject, ids: readonly number[]): ForwardRequest {
  return { ids: [ids], hooks: residuals(subject), outputs: [subject.tower.head!.logits] };
}

export interface LensRun {
  /** [layer][position] */
  readonly readings: readonly (readonly LensReading[])[];
  readonly outputError: number;
}

/** The readings of each layer at the positions; the last layer is the model's output itself. */
export async function readLens(
  subject: Subject,
  ids: readonly number[],
  positions: readonly number[],
  k: number,
  context: Context
): Promise<LensRun> {
  const hooks = residuals(subject);
  context.progress({ done: 0, total: hooks.length, label: 'forward' });
  const cache = await subject.forward(lensRequest(subject, ids), quiet(context));
  const logits = subject.tower.head!.logits;
  const output = split(floats(cache.get(logits), logits), ids.length).filter((_, at) => positions.includes(at));
  const outputs = output.map(outputOf);
  const readings: LensReading[][] = [];
  let last: readonly Float32Array[] = [];
  for (const [layer, hook] of hooks.entries()) {
    context.progress({ done: layer, total: hooks.length, label: `unembedding ${layer + 1} of ${hooks.length}` });
    const residual = split(floats(cache.get(hook), hook), ids.length).filter((_, at) => positions.includes(at));
    last = await unembed(subject, residual, context);
    const shown = layer === hooks.length - 1 ? output : last;
    readings.push(shown.map((row, i) => lensReading(row, outputs[i], k)));
  }
  context.progress({ done: hooks.length, total: hooks.length, label: 'done' });
  return { readings, outputError: checkOutput(last, output) };
}

/** Rows of [1, pos, width]. */
function split(values: Float32Array, rows: number): Float32Array[] {
  const width = values.length / rows;
  if (!Number.isInteger(width)) {
    throw new Error(`${values.length} values do not make ${rows} positions`);
  }
  return Array.from({ length: rows }, (_, i) => values.subarray(i * width, (i + 1) * width));
}

/** Logits of each row, a few positions at a time. */
async function unembed(subject: Subject, rows: readonly Float32Array[], context: Context): Promise<Float32Array[]> {
  const each = Math.max(1, Math.floor(CHUNK_PRODUCTS / (subject.tower.dModel * subject.tower.dVocab!)));
  const logits: Float32Array[] = [];
  for (let start = 0; start < rows.length; start += each) {
    await otherTasks();
    context.signal.throwIfAborted();
    const part = rows.slice(start, start + each);
    const data = new Float32Array(part.length * part[0].length);
    part.forEach((row, i) => data.set(row, i * row.length));
    const residual: Tensor = { dims: [1, part.length, part[0].length], type: 'float32', data };
    logits.push(...split(floats(await subject.unembed(residual, quiet(context)), 'unembedding'), part.length));
  }
  return logits;
}

/** Throws unless the lens on the last block is the model's own output. */
function checkOutput(lens: readonly Float32Array[], output: readonly Float32Array[]): number {
  let error = 0;
  let largest = 1;
  lens.forEach((row, i) =>
    row.forEach((value, id) => {
      error = Math.max(error, Math.abs(value - output[i][id]));
      largest = Math.max(largest, Math.abs(output[i][id]));
    })
  );
  if (!(error <= TOLERANCE * largest) || lens[0].length !== output[0].length) {
    throw new Error(
      `logit lens: the lens on the last block differs from the model's output by ${error.toPrecision(3)} logits, at most ${(TOLERANCE * largest).toPrecision(3)} are allowed`
    );
  }
  return error;
}

/** Lets a cancel be heard between two unembeddings, which hold the thread. */
const otherTasks = (): Promise<void> => new Promise(resolve => setTimeout(resolve));
