import { findAnalysis } from '../../src/analyses';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import type { Payload } from '../../src/report/payload';
import { makeProvenance } from '../../src/report/provenance';
import type { Fake } from '../analyses/fake-subject';
import { context, fakeSubject } from '../analyses/fake-subject';
import { fakeCircuits } from './fake-circuits';

/** Uniform causal patterns of all heads. */
function uniform(heads: number, length: number): Float32Array {
  const weights = new Float32Array(heads * length * length);
  for (let row = 0; row < heads * length; row++) {
    const seen = (row % length) + 1;
    weights.fill(1 / seen, row * length, row * length + seen);
  }
  return weights;
}

/** Uniform patterns; a stream and logits that count their columns. */
function tensor({ heads }: Fake): NonNullable<Fake['tensor']> {
  const columns = (length: number, width: number) => ({
    dims: [length, width],
    data: Float32Array.from({ length: length * width }, (_, i) => i % width)
  });
  return (name, { length }) =>
    name.includes('pattern')
      ? { dims: [heads, length, length], data: uniform(heads, length) }
      : columns(length, name.includes('mid') ? D_MODEL : 50);
}

const D_MODEL = 8;
const IDS = { clean: [1, 2, 3, 4], answer: { correct: [6], wrong: [7] } };

/** 120 tokens, all different. */
const MANY = [0, 60].map(from => Array.from({ length: 60 }, (_, i) => from + i).join()).join('\n');

/** A vector of its own for each token. */
const scattered: Partial<Fake> = {
  tensor: (_, ids) => ({
    dims: [ids.length, D_MODEL],
    data: Float32Array.from({ length: ids.length * D_MODEL }, (__, i) =>
      Math.sin(13 * ids[Math.floor(i / D_MODEL)] + 7 * (i % D_MODEL) ** 2)
    )
  })
};

/** Where the defaults are texts of which the fake tokenizer knows only the number of words. */
const SPECS: Readonly<Record<string, unknown>> = {
  ablation: { prompts: [IDS], ablation: 'zero' },
  'direct-logit-attribution': { prompts: [IDS] },
  'virtual-heads': { prompts: [IDS] },
  'activation-patching': { prompts: [{ ...IDS, corrupted: [1, 5, 3, 4] }], by: 'head-and-position' },
  'head-card': { prompts: [{ ...IDS, corrupted: [1, 5, 3, 4] }, IDS] },
  'causal-tracing': {
    prompts: [
      { ...IDS, corrupted: [1, 5, 3, 4], corrupted2: [1, 2, 6, 4] },
      { ...IDS, corrupted: [2, 2, 3, 4], corrupted2: [3, 2, 3, 4] }
    ]
  },
  'path-patching': { prompts: [{ ...IDS, corrupted: [1, 5, 3, 4] }] },
  'mean-attention': { texts: '1,2,3,4\n5,6,1' },
  anisotropy: { texts: '1,2,3,4\n5,6,1,2' },
  'participation-ratio': { texts: '1,2,3,4\n5,6,1,2' },
  'intrinsic-dimension': { texts: MANY },
  'formal-language': { task: 'parity', form: 'positions', vocabulary: '#1 #2', lengths: [2, 3], sequences: 4 },
  'head-recovery': { texts: '1,2,3,4', truth: 'L0H1 L1H0' },
  margins: { texts: '1,2,3,4,5,6,1,2,3,4,5,6\n1,2,3,4,5,6,1,2,3,4,5,6' },
  'compression-bound': { texts: '1,2,3,4\n5,6,1,2' },
  'linear-probe': { task: 'rows', rows: '1/A 2/B\n3/A 4/B\n5/A 6/B\n7/A 8/B' },
  'representation-similarity': { texts: MANY, cca: 'svcca', shuffled: true, other: 'models/second' },
  'head-comparison': { other: 'models/second', direct: true, prompts: [IDS] },
  steering: { prompts: [IDS], source: 'vector', vector: '1 0 0 0 0 0 0 0', hook: 'resid_mid', tokens: 0 }
};

/** With an embedding that is a table. */
const fakeTables: Partial<Fake> = { ...fakeCircuits, embedding: { ids: 'ids', rows: 50, weight: 'w', strange: [] } };

/** A stream that counts its columns, an unembedding that gives them as the first logits, and no other weight. */
const fakeUnembedding: Partial<Fake> = {
  ...fakeCircuits,
  weights: fakeCircuits.weights && { ...fakeCircuits.weights, names: ['W_U'] },
  tensor: (name, { length }) => {
    const width = name === 'logits' ? 50 : D_MODEL;
    const data = Float32Array.from({ length: length * width }, (_, i) => (i % width < D_MODEL ? i % width : 0));
    return { dims: [length, width], data };
  }
};

/** Models with weights, for analyses that read them. */
const MODELS: Readonly<Record<string, Partial<Fake>>> = {
  'intrinsic-dimension': scattered,
  'linear-probe': scattered,
  'representation-similarity': scattered,
  'trajectory-length': scattered,
  margins: fakeUnembedding,
  'lipschitz-constant': fakeCircuits,
  'head-recovery': fakeCircuits,
  'rank-collapse': { ...scattered, blocks: fakeCircuits.blocks ?? [] },
  'direct-logit-attribution': fakeCircuits,
  'gauss-newton-trace': fakeUnembedding,
  'virtual-heads': fakeCircuits,
  'head-comparison': fakeCircuits,
  'attention-attribution': fakeCircuits,
  'head-card': fakeTables,
  composition: fakeCircuits,
  'weight-spectra': fakeCircuits,
  'head-rank': fakeCircuits,
  'ov-circuit': fakeTables,
  'qk-circuit': fakeTables
};

/** A payload as a run saves it, of a fake model whose every token is called `label`. */
export async function samplePayload(
  id: string,
  spec: unknown,
  label = 'cat',
  parts: Partial<Fake> = {}
): Promise<Payload> {
  const analysis = findAnalysis(id);
  const fake: Fake = {
    layers: 2,
    heads: 3,
    labels: () => label,
    unembed: residual => residual,
    ...MODELS[id],
    ...parts
  };
  const subject = fakeSubject({ tensor: tensor(fake), ...fake });
  const given = Object.keys(spec as object).length > 0 ? spec : (SPECS[id] ?? spec);
  const valid = validateSpec(analysis, given);
  const result = await analysis.compute(subject, valid, { ...context, open: async () => subject }, 3);
  const created = new Date('2026-01-02T03:04:05Z');
  const provenance = makeProvenance(subject.facts, { version: '0.1.0', created, seconds: 1.23456 });
  const payload = { analysis: id, model: { path: 'models/fake' }, seed: 3, spec: valid, result, provenance };
  return JSON.parse(JSON.stringify(payload));
}
