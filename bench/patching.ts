import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { Runtime } from '../src/runtime/runtime';
import { createNodeRuntime } from '../src/runtime/node';
import { createWasmRuntime } from '../src/runtime/wasm';
import { random } from '../src/maths/random';
import type { Patch, SweepRequest, SweepResult } from '../src/subject/sweep';
import { timed } from './alternate';
import { atLeast, type Bench } from './bench';
import { sweepInChromium } from './chromium';
import { GPT2_SMALL, gpt2Files } from './gpt2';
import { llamaFiles, SMOL } from './llama';
import { openBench, QUIET } from './open-bench';
import { patchFloor, type FloorKind, type FloorShape } from './patching-floor';
import { transformerLens, type TransformerLens } from './transformer-lens';

const LENGTH = 15;
/** Of the baseline; a half before ours and a half behind it. */
const SAMPLE = 40;
/** Of the largest effect: what the naive loop in single precision reaches. */
const AGREE = 1e-4;

interface Shape {
  readonly files: () => { readonly model: Uint8Array; readonly weights: Uint8Array };
  readonly layers: number;
  readonly heads: number;
  readonly vocabulary: number;
  readonly floor: FloorShape;
}

const GPT2: Shape = {
  ...GPT2_SMALL,
  files: () => gpt2Files(GPT2_SMALL),
  floor: { ...GPT2_SMALL, kvHeads: GPT2_SMALL.heads, mlp: 4 * GPT2_SMALL.width, matrices: 2 }
};
/** Rotations, gated MLPs, one key and value head for three of queries. */
const LLAMA: Shape = { ...SMOL, files: () => llamaFiles(SMOL), floor: { ...SMOL, matrices: 3 } };

interface Case {
  readonly shape: Shape;
  readonly name: string;
  readonly kinds: readonly FloorKind[];
  readonly prompts: number;
  readonly threads: number;
  readonly target: number | null;
  /** Ours, timed once its pieces are made. */
  readonly sweep: (files: Files, request: SweepRequest, threads: number) => Promise<Ran>;
}

type Files = ReturnType<Shape['files']>;

interface Ran {
  readonly values: ArrayLike<number>;
  readonly base: readonly number[];
  readonly seconds: number;
  readonly operations: number;
  readonly runtime: string;
}

const dist = join(process.cwd(), 'node_modules', 'onnxruntime-web', 'dist');
const fileUrl = (name: string): string => pathToFileURL(join(dist, name)).href;
/** onnxruntime-web in Node, which has one thread there. */
const wasm = (): Runtime =>
  createWasmRuntime({
    wasm: fileUrl('ort-wasm-simd-threaded.wasm'),
    mjs: fileUrl('ort-wasm-simd-threaded.mjs')
  });

const measure = async ({ shape, name, kinds, prompts, threads, target, sweep }: Case): ReturnType<Bench['run']> => {
  const files = shape.files();
  const lens = await transformerLens(files, threads);
  try {
    const { request, places } = sweepOf(shape, kinds, prompts);
    const stream = random(1);
    const sample = Array.from({ length: SAMPLE }, () => stream.below(places.length));
    const half = SAMPLE / 2;
    const before = await baseline(lens, request, places, sample.slice(0, half));
    const ours = await sweep(files, request, threads);
    const after = await baseline(lens, request, places, sample.slice(half));
    checkAgreement(ours, sample, [...before.values, ...after.values], prompts);
    const times = [...before.seconds, ...after.seconds].sort((a, b) => a - b);
    const each = times.reduce((sum, value) => sum + value, 0) / SAMPLE;
    const { seconds, operations, runtime } = ours;
    const floor =
      prompts *
      places.reduce((sum, [kind, layer, , pos]) => sum + patchFloor(shape.floor, kind, layer, pos, LENGTH), 0);
    return atLeast({
      name,
      value: (each * places.length) / seconds,
      unit: '× TransformerLens',
      target,
      detail:
        `${places.length} patches (${kinds.join(', ')}; head × position), ${prompts} prompt${prompts > 1 ? 's' : ''} of ${LENGTH} tokens, ${threads === 1 ? 'one thread' : `${threads} threads`} each: ` +
        `${seconds.toFixed(1)} s by ${runtime}, ${(each * 1000).toFixed(0)} ms a patch there ` +
        `(mean of ${SAMPLE}, ${(times[half / 2] * 1000).toFixed(0)}–${(times[SAMPLE - half / 2] * 1000).toFixed(0)} quartiles); ` +
        `${(operations / 1e12).toFixed(2)} TFLOP in matrix products, ${(operations / floor).toFixed(2)} × the floor, ${(operations / seconds / 1e9).toFixed(0)} GFLOP/s`
    });
  } finally {
    lens.close();
  }
};

/** The sessions of the pieces are made once for a model, as TransformerLens's model is. */
const by =
  (runtime: (threads: number) => Runtime): Case['sweep'] =>
  async (files, request, threads) => {
    const subject = await openBench(files, runtime(threads));
    try {
      await subject.sweep({ ...request, patches: request.patches.slice(0, 1) }, QUIET);
      let result: SweepResult | undefined;
      const milliseconds = await timed(async () => (result = await subject.sweep(request, QUIET)));
      const { operations } = subject.sweepCost(request);
      return { ...result!, seconds: milliseconds / 1000, operations, runtime: subject.facts.runtime };
    } finally {
      await subject.close();
    }
  };

const inChromium: Case['sweep'] = (files, { base, source, patches, readout }) =>
  sweepInChromium(files, {
    base,
    source: source.kind === 'run' ? source.ids : [],
    patches,
    positions: readout.positions,
    columns: readout.columns!
  });

const native = by(createNodeRuntime);

/** Head by position, against TransformerLens's loop. */
const CASES: readonly Case[] = [
  { shape: GPT2, name: 'patching', kinds: ['z'], prompts: 1, threads: 1, target: 50, sweep: native },
  { shape: GPT2, name: 'patching-2-threads', kinds: ['z'], prompts: 1, threads: 2, target: null, sweep: native },
  { shape: GPT2, name: 'patching-8-prompts', kinds: ['z'], prompts: 8, threads: 1, target: 10, sweep: native },
  {
    shape: GPT2,
    name: 'patching-5-kinds',
    kinds: ['z', 'q', 'k', 'v', 'pattern'],
    prompts: 1,
    threads: 1,
    target: 50,
    sweep: native
  },
  { shape: GPT2, name: 'patching-wasm', kinds: ['z'], prompts: 1, threads: 1, target: 10, sweep: by(wasm) },
  { shape: GPT2, name: 'patching-chromium', kinds: ['z'], prompts: 1, threads: 1, target: 10, sweep: inChromium },
  { shape: LLAMA, name: 'patching-llama', kinds: ['z'], prompts: 1, threads: 1, target: 50, sweep: native }
];

/** The sweep of five kinds of one prompt. */
export const fiveKinds = (): { readonly files: Shape['files']; readonly request: SweepRequest } => {
  const { shape, kinds, prompts } = CASES.find(({ name }) => name === 'patching-5-kinds')!;
  return { files: shape.files, request: sweepOf(shape, kinds, prompts).request };
};

export const patchingBenches: readonly Bench[] = CASES.map(row => ({ name: row.name, run: () => measure(row) }));

type Place = readonly [kind: FloorKind, layer: number, head: number, pos: number];

const sweepOf = (
  { layers, heads, vocabulary }: Shape,
  kinds: readonly FloorKind[],
  prompts: number
): { readonly request: SweepRequest; readonly places: readonly Place[] } => {
  const stream = random(2);
  const rows = (): number[][] =>
    Array.from({ length: prompts }, () => Array.from({ length: LENGTH }, () => stream.below(vocabulary)));
  const [corrupted, clean] = [rows(), rows()];
  const indices = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
  const places = kinds.flatMap(kind =>
    indices(layers).flatMap(layer =>
      indices(heads).flatMap(head => indices(LENGTH).map((pos): Place => [kind, layer, head, pos]))
    )
  );
  return {
    places,
    request: {
      base: corrupted,
      source: { kind: 'run', ids: clean },
      patches: places.map(([kind, layer, head, pos]): Patch => ({
        hook: `blocks.${layer}.attn.hook_${kind}`,
        heads: [head],
        pos: [pos]
      })),
      readout: {
        positions: corrupted.map(() => [LENGTH - 1]),
        columns: corrupted.map((_, prompt) => [...ANSWERS(prompt)]),
        value: logits => logits[0] - logits[1]
      }
    }
  };
};

const ANSWERS = (prompt: number): readonly [number, number] => [100 + prompt, 200 + 3 * prompt];

interface Baseline {
  readonly seconds: readonly number[];
  readonly values: readonly (readonly number[])[];
}

const baseline = (
  lens: TransformerLens,
  { base, source }: SweepRequest,
  places: readonly Place[],
  sample: readonly number[]
): Promise<Baseline> =>
  lens.ask<Baseline>({
    clean: source.kind === 'run' ? source.ids : [],
    corrupted: base,
    answers: base.map((_, prompt) => ANSWERS(prompt)),
    patches: sample.map(at => places[at])
  });

/** No ratio where the numbers differ. */
const checkAgreement = (
  { values, base }: Pick<Ran, 'values' | 'base'>,
  sample: readonly number[],
  theirs: readonly (readonly number[])[],
  prompts: number
): void => {
  const largest = Array.from(values).reduce(
    (most, value, at) => Math.max(most, Math.abs(value - base[at % prompts])),
    0
  );
  const worst = sample.reduce(
    (most, place, at) =>
      theirs[at].reduce(
        (far, value, prompt) => Math.max(far, Math.abs(value - values[place * prompts + prompt])),
        most
      ),
    0
  );
  if (!(worst <= AGREE * largest)) {
    throw new Error(`the two sides differ by ${(worst / largest).toExponential(1)} of the largest effect`);
  }
};
