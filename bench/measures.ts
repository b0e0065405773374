import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Analysis } from '../src/analyses/analysis';
import { attentionEntropy } from '../src/analyses/attention/attention-entropy';
import { anisotropy } from '../src/analyses/geometry/anisotropy';
import { massiveActivations } from '../src/analyses/geometry/massive-activations';
import { participationRatio } from '../src/analyses/geometry/participation-ratio';
import { streamHooks } from '../src/analyses/geometry/stream';
import { tokenUniformity } from '../src/analyses/geometry/token-uniformity';
import { allBlocks } from '../src/analyses/hooks';
import { validateSpec } from '../src/analyses/spec/validate-spec';
import { weightMatrices } from '../src/analyses/weights/weight-matrices';
import { weightSpectra } from '../src/analyses/weights/weight-spectra';
import { random } from '../src/maths/random';
import { createNodeRuntime } from '../src/runtime/node';
import type { Subject } from '../src/subject/subject';
import { quantile, timed } from './alternate';
import { atMost, type Bench } from './bench';
import { GPT2_SMALL, gpt2Files } from './gpt2';
import { llamaFiles, SMOL } from './llama';
import { openBench, QUIET } from './open-bench';

const LENGTH = 64;
const ROUNDS = 7;

/** An analysis, what it is asked, and the forwards that are the model's own share of it. */
interface Measured {
  readonly analysis: Analysis;
  readonly spec: object;
  readonly forwards: readonly { readonly ids: readonly number[]; readonly hooks: readonly string[] }[];
}

function measured(subject: Subject, ids: readonly number[]): Measured[] {
  const stream = streamHooks(subject);
  const halves = [ids.slice(0, LENGTH / 2), ids.slice(LENGTH / 2)];
  const texts = halves.map(half => half.join()).join('\n');
  const sampled = halves.map(half => ({ ids: half, hooks: stream }));
  return [
    { analysis: tokenUniformity, spec: { ids }, forwards: [{ ids, hooks: stream }] },
    {
      analysis: attentionEntropy,
      spec: { ids },
      forwards: [{ ids, hooks: allBlocks(subject, 'attn.hook_pattern') }]
    },
    { analysis: participationRatio, spec: { texts }, forwards: sampled },
    { analysis: anisotropy, spec: { texts }, forwards: sampled },
    { analysis: massiveActivations, spec: { ids }, forwards: [{ ids, hooks: stream }] }
  ];
}

/** E2, E3, R2, R3 and R6 on one text: what they take together beyond the forwards that they ask for, in forwards of the plain model. */
export const geometryBench: Bench = {
  name: 'geometry',
  run: async () => {
    const subject = await openBench(gpt2Files(GPT2_SMALL), createNodeRuntime());
    try {
      const draw = random(7);
      const ids = Array.from({ length: LENGTH }, () => draw.below(GPT2_SMALL.vocabulary));
      const all = measured(subject, ids);
      const times: { plain: number; own: number; whole: number }[] = [];
      for (let round = -1; round < ROUNDS; round++) {
        const plain = await timed(() => subject.forward({ ids: [ids], hooks: [], outputs: ['logits'] }, QUIET));
        let [own, whole] = [0, 0];
        for (const { analysis, spec, forwards } of all) {
          whole += await timed(() => analysis.compute(subject, validateSpec(analysis, spec), QUIET, 0));
          for (const { ids: row, hooks } of forwards) {
            own += await timed(() => subject.forward({ ids: [row], hooks }, QUIET));
          }
        }
        if (round >= 0) {
          times.push({ plain, own, whole });
        }
      }
      const of = (pick: (time: (typeof times)[number]) => number): number => quantile(times.map(pick), 0.5);
      return atMost({
        name: 'geometry',
        value: of(({ plain, own, whole }) => (whole - own) / plain),
        unit: '× one forward',
        target: 3,
        detail: `token uniformity, attention entropy, participation ratio, anisotropy and massive activations of ${LENGTH} tokens, GPT-2-small shape: ${of(({ whole }) => whole).toFixed(0)} ms, of which the model ${of(({ own }) => own).toFixed(0)} ms; one forward ${of(({ plain }) => plain).toFixed(0)} ms (medians of ${ROUNDS})`
      });
    } finally {
      await subject.close();
    }
  }
};

const FOLDER = '.cache/bench';

/** Singular values alone of each matrix, one thread: seconds and the largest, in order. */
const NUMPY = `
import json, sys, time, numpy as np
folder, shapes = sys.argv[1], json.loads(sys.argv[2])
found = []
for at, (rows, columns) in enumerate(shapes):
    matrix = np.fromfile(f'{folder}/spectra-{at}.bin', np.float32).reshape(rows, columns).astype(np.float64)
    begun = time.perf_counter()
    values = np.linalg.svd(matrix, compute_uv=False)
    found.append([time.perf_counter() - begun, float(values[0])])
print(json.dumps(found))
`;

/** Writes the matrices of one layer, and the table, for NumPy. */
function writeMatrices(subject: Subject): [number, number][] {
  mkdirSync(FOLDER, { recursive: true });
  return weightMatrices(subject, [0], true).map(({ parts }, at) => {
    const all = [...parts(2 ** 28)];
    const [{ columns }] = all;
    const rows = all.reduce((sum, part) => sum + part.rows, 0);
    const values = new Float32Array(rows * columns);
    all.reduce((from, { data }) => (values.set(data, from), from + data.length), 0);
    writeFileSync(join(FOLDER, `spectra-${at}.bin`), new Uint8Array(values.buffer));
    return [rows, columns];
  });
}

function numpySpectra(shapes: readonly (readonly [number, number])[]): [number, number][] {
  const python = execFileSync('node', ['scripts/bench-python.mjs'], {
    stdio: ['ignore', 'pipe', 'inherit']
  }).toString();
  const threads = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };
  const line = ['-c', NUMPY, FOLDER, JSON.stringify(shapes)];
  return JSON.parse(execFileSync(python, line, { env: { ...process.env, ...threads } }).toString());
}

/** Norms, ranks and tails of all matrices of a model of 135 million parameters, from those of one layer and the table, against NumPy's SVD. */
export const spectraBench: Bench = {
  name: 'weight-spectra',
  run: async () => {
    const subject = await openBench(llamaFiles(SMOL), createNodeRuntime());
    try {
      const run = (spec: object): ReturnType<typeof weightSpectra.compute> =>
        weightSpectra.compute(subject, validateSpec(weightSpectra, spec), QUIET, 0);
      const theirs = numpySpectra(writeMatrices(subject));
      await run({ layers: [1], tables: false });
      const inLayer = await timed(() => run({ layers: [0], tables: false }));
      let found: Awaited<ReturnType<typeof run>> | undefined;
      const both = await timed(async () => (found = await run({ layers: [0], tables: true })));
      found!.matrices.forEach(({ name, spectral }, at) => {
        if (!(Math.abs(spectral / theirs[at][1] - 1) < 1e-6)) {
          throw new Error(`weight spectra: ‖${name}‖₂ is ${spectral} here and ${theirs[at][1]} by NumPy`);
        }
      });
      const last = theirs[theirs.length - 1][0];
      const layer = theirs.slice(0, -1).reduce((sum, [seconds]) => sum + seconds, 0);
      const [ours, numpy] = [SMOL.layers * inLayer + (both - inLayer), 1000 * (SMOL.layers * layer + last)];
      return atMost({
        name: 'weight-spectra',
        value: ours / numpy,
        unit: '× NumPy’s SVD',
        target: 6,
        detail: `${SMOL.layers} layers of ${theirs.length - 1} matrices and the table, SmolLM2-135M’s shape, one thread each, from one layer and the table: ${(ours / 1000).toFixed(1)} s, NumPy’s singular values ${(numpy / 1000).toFixed(1)} s`
      });
    } finally {
      await subject.close();
    }
  }
};
