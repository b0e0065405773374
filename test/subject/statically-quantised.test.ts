import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { toFloat64 } from '../../src/onnx/decode-tensor';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import { memoryFiles, quiet } from './fixture-files';
import { expectedOf } from './matrix-cells';
import { patchesOf, readout, rows } from './sweep-requests';

interface Row {
  readonly name: string;
  readonly family: 'gpt2' | 'llama' | 'bert' | 'vit';
  /** Hooks that are not served: the file rounds inside of what makes them, or so coarsely that nothing is left to check. */
  readonly missing: RegExp;
}

const NONE = /^$/;
const ROWS: readonly Row[] = [
  { name: 'gpt2-qdq-products', family: 'gpt2', missing: NONE },
  // The causal mask of -3.4e38 is added to scores before they are rounded: no step is left between them.
  { name: 'gpt2-qdq-all', family: 'gpt2', missing: /attn\.hook_(q|k|attn_scores)$/ },
  { name: 'llama-qdq-16', family: 'llama', missing: NONE },
  { name: 'llama-qoperator-products', family: 'llama', missing: NONE },
  // Sums, squares and roots of the norms, and rotations, are rounded one by one.
  {
    name: 'llama-qoperator-all',
    family: 'llama',
    missing: /attn\.hook_(rot_)?[qk]$|attn_scores$|ln1\.|ln2\.|ln_final\./
  },
  { name: 'bert-qdq-all', family: 'bert', missing: NONE },
  { name: 'bert-qdq-optimum', family: 'bert', missing: NONE },
  { name: 'bert-qoperator-all', family: 'bert', missing: NONE },
  { name: 'vit-qdq-all', family: 'vit', missing: NONE },
  { name: 'vit-qoperator-all', family: 'vit', missing: NONE }
];

/** Weights and activations in 255 steps resemble Hugging Face's; another tensor's are unlike (≥ 1). As other rows of eight bits. */
const RESEMBLING = 0.6;

describe.each(ROWS)('static quantisation: $name', ({ name, family, missing }) => {
  let subject: Subject;
  beforeAll(async () => {
    const bytes = gunzipSync(readFileSync(join(__dirname, `../fixtures/quantised/static-${name}.onnx.gz`)));
    const config = new TextEncoder().encode('{"image_size": 16}');
    const beside: Readonly<Record<string, Uint8Array>> = family === 'vit' ? { 'config.json': config } : {};
    subject = await openModel(memoryFiles(name, { 'model.onnx': bytes, ...beside }), createNodeRuntime(), quiet);
  });
  afterAll(() => subject.close());

  test('every hook but those that are named is verified', () => {
    const open = subject.anatomy.hooks.filter(({ status }) => status !== 'verified').map(hook => hook.name);
    const wanted = subject.anatomy.hooks.map(hook => hook.name).filter(hook => missing.test(hook));
    expect(open).toEqual(wanted);
  });

  test('outputs are those of the file, bit for bit', () => {
    const found = subject.certificate.identities.find(identity => identity.name === 'logits-unchanged-by-surgery');
    expect(found).toMatchObject({ holds: true, error: 0 });
  });

  const text = expectedOf(family).text;
  (text && missing === NONE ? test : test.skip)('hooks resemble those of Hugging Face', async () => {
    const { ids, hooks } = text!;
    const names = Object.keys(hooks).filter(hook => subject.anatomy.hooks.some(one => one.name === hook));
    const cache = await subject.forward({ ids: ids!, hooks: names }, quiet);
    expect(names.length).toBeGreaterThan(8);
    for (const hook of names) {
      const numbers = toFloat64(cache.get(hook));
      const { at, values } = hooks[hook];
      const square = (of: (value: number, i: number) => number): number =>
        values.reduce((sum, value, i) => sum + of(value, i) ** 2, 0);
      const off = Math.sqrt(square((value, i) => value - numbers[at[i]]) / square(value => value));
      expect({ hook, off: off < RESEMBLING ? 'alike' : off }).toEqual({ hook, off: 'alike' });
    }
  });

  (missing === NONE && family !== 'vit' ? test : test.skip)('sweeps are made of whole runs', async () => {
    const vocabulary = subject.tower.dVocab!;
    const source = { kind: 'run', ids: rows(4, vocabulary) } as const;
    const [patch] = patchesOf(subject, 9);
    const { method } = await subject.sweep({ base: rows(1, vocabulary), source, patches: [patch], readout }, quiet);
    expect(method).toBe('whole');
  });
});
