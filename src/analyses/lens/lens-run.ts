import type { Tensor } from '../../onnx/tensor';
import type { Context } from '../../subject/context';
import type { ForwardRequest, Subject } from '../../subject/subject';
import { floats } from '../floats';
import { otherTasks } from '../circuits/other-tasks';
import { firstParts, streamHook } from '../circuits/stream-parts';
import { blockHook } from '../hooks';
import type { LensReading } from './lens-rows';
import { lensReading, outputOf } from './lens-rows';
import { quiet } from '../quiet';

/** Multiplications of one unembedding: some tenths of a second in wasm, within which a cancel is not heard. */
const CHUNK_PRODUCTS = 2 ** 30;
/** The lens on the last block must be the model's output, relative to the largest logit: single precision and no more. */
const TOLERANCE = 1e-3;

export const LENS_BY = ['layer', 'sublayer', 'component'] as const;
export type LensBy = (typeof LENS_BY)[number];

/** A row of the lens: what is read there. */
export interface LensRow {
  readonly name: string;
  readonly hook: string;
}

/**
 * By layer the stream before the first block, and after each block what the head reads after the last one; by sublayer the stream between attention and MLP as
 * well (TransformerLens's `accumulated_resid`), by its norm where blocks have post-norms; by component what each writes (`decompose_resid`).
 */
export function lensRows(subject: Subject, by: LensBy): readonly LensRow[] {
  const { layers, norm, blocks } = subject.tower;
  const each = (rows: (layer: number) => readonly LensRow[]): readonly LensRow[] =>
    Array.from({ length: layers }, (_, layer) => rows(layer)).flat();
  const at = (name: string, layer: number, hook: string): LensRow => ({ name, hook: blockHook(subject, layer, hook) });
  if (by === 'component') {
    return [
      ...firstParts(subject).map(({ kind, hook }) => ({ name: kind, hook })),
      ...each(layer => [
        at(`attention ${layer}`, layer, 'hook_attn_out'),
        ...(blocks[layer]?.cross ? [at(`cross-attention ${layer}`, layer, 'hook_cross_attn_out')] : []),
        ...(blocks[layer]?.mlp ? [at(`MLP ${layer}`, layer, 'hook_mlp_out')] : [])
      ])
    ];
  }
  const middle = norm.placement === 'post' ? 'ln1.hook_out' : 'hook_resid_mid';
  const crossed = norm.placement === 'post' ? 'ln2.hook_out' : 'hook_resid_mid_cross';
  const after = subject.way?.hook.replace(/^blocks\.\d+\./, '') ?? '';
  return [
    at('embedding', 0, 'hook_resid_pre'),
    ...each(layer => [
      ...(by === 'sublayer' ? [at(`${layer} attention`, layer, middle)] : []),
      ...(by === 'sublayer' && blocks[layer]?.cross ? [at(`${layer} cross-attention`, layer, crossed)] : []),
      at(`${layer}${by === 'sublayer' ? ' MLP' : ''}`, layer, after)
    ])
  ];
}

/** Why rows by sublayer are not there, or undefined when they are. */
export function refusesSublayers({ tower }: Subject): string | undefined {
  return tower.parallel
    ? 'attention and MLP read the same stream in its blocks, so that there is none between them'
    : tower.mlp === 'none'
      ? 'its blocks have no MLP, so that rows by layer are those by sublayer'
      : undefined;
}

export function lensRequest(subject: Subject, ids: readonly number[], by: LensBy): ForwardRequest {
  const hooks = [
    ...lensRows(subject, by).map(({ hook }) => hook),
    ...(by === 'component' ? [streamHook(subject, subject.tower.layers)] : [])
  ];
  return { ids: [ids], hooks, outputs: [subject.way!.output] };
}

export interface LensRun {
  /** [layer][position] */
  readonly readings: readonly (readonly LensReading[])[];
  readonly outputError: number;
  /** By component, [row][position]: the logit that it adds to the output's top token, above its mean over the vocabulary. */
  readonly contributions?: readonly (readonly number[])[];
}

/** The readings of each row at the positions; the last row is the model's output itself. */
export async function readLens(
  subject: Subject,
  ids: readonly number[],
  positions: readonly number[],
  k: number,
  by: 'layer' | 'sublayer',
  context: Context
): Promise<LensRun> {
  const hooks = lensRows(subject, by).map(({ hook }) => hook);
  context.progress({ done: 0, total: hooks.length, label: 'forward' });
  const cache = await subject.forward(lensRequest(subject, ids, by), quiet(context));
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
export function split(values: Float32Array, rows: number): Float32Array[] {
  const width = values.length / rows;
  if (!Number.isInteger(width)) {
    throw new Error(`${values.length} values do not make ${rows} positions`);
  }
  return Array.from({ length: rows }, (_, i) => values.subarray(i * width, (i + 1) * width));
}

/** Logits of each row, a few positions at a time. */
export async function unembed(
  subject: Subject,
  rows: readonly Float32Array[],
  context: Context
): Promise<Float32Array[]> {
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
export function checkOutput(lens: readonly Float32Array[], output: readonly Float32Array[]): number {
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
