import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { attentionAttribution } from '../../../src/analyses/circuits/attribution/attention-attribution';
import { composition } from '../../../src/analyses/circuits/composition/composition';
import { MODES } from '../../../src/analyses/circuits/composition/composition-scores';
import { directLogitAttribution } from '../../../src/analyses/circuits/attribution/direct-logit-attribution';
import { headCard } from '../../../src/analyses/circuits/card/head-card';
import { ovCircuit } from '../../../src/analyses/circuits/vocabulary/ov-circuit';
import { qkCircuit } from '../../../src/analyses/circuits/vocabulary/qk-circuit';
import { decodeTensor } from '../../../src/analyses/tensor-codec';
import { createNodeRuntime } from '../../../src/runtime/node';
import { openModel } from '../../../src/subject/opening/open-model';
import type { Subject } from '../../../src/subject/subject';
import { memoryFiles, quiet } from '../../subject/fixture-files';
import { furthest, open, openFile, run } from './lens';

const FOLDER = join(__dirname, '../../fixtures/analyses');
/** What test/fixtures/post_norm.py wrote. */
const wanted = JSON.parse(readFileSync(join(FOLDER, 'post-norm.json'), 'utf8')) as {
  readonly ids: readonly number[];
  readonly layer: number;
  readonly head: number;
  readonly query: number;
  readonly score: {
    readonly names: readonly string[];
    readonly key: number;
    readonly terms: readonly (readonly number[])[];
    readonly score: number;
  };
  readonly composition: Readonly<Record<(typeof MODES)[number], readonly (readonly number[])[]>>;
  readonly matching: readonly (readonly number[])[];
  readonly attribution: {
    readonly ids: readonly number[];
    readonly correct: number;
    readonly wrong: number;
    readonly measured: number;
    readonly terms: Readonly<Record<string, number>>;
    readonly sources: readonly (readonly number[])[];
    readonly neurons: readonly (readonly number[])[];
  };
};
const { ids, layer, head, query } = wanted;
// Terms of up to 2, their activations in single precision on our side; ratios below 1 from weights of single precision.
const [TERMS, RATIOS] = [2e-5, 1e-6];

describe.each(['bert', 'bert-model'])('%s, as PyTorch has it', family => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open(family, 'optimum');
  });
  afterAll(() => subject.close());
  // The weights of both are drawn in one order, the head's after the others.
  const same = family === 'bert';

  test('a score by the parts that passed the norms', async () => {
    const result = await run(attentionAttribution, subject, { ids, layer, head, query });
    expect(Math.abs(result.sum - result.scores[0])).toBeLessThan(TERMS);
    if (same) {
      expect(result.keys).toEqual([wanted.score.key]);
      const of = (names: readonly string[]): number[] => wanted.score.names.map(name => names.indexOf(name));
      const [rows, columns] = [of(result.queryParts), of(result.keyParts)];
      const values = decodeTensor(result.values);
      const found = rows.flatMap(row => columns.map(column => values[row * result.keyParts.length + column]));
      expect(furthest(found, wanted.score.terms.flat())).toBeLessThan(TERMS);
    }
  });

  test('composition through the norms between', async () => {
    const result = await run(composition, subject, {});
    const values = decodeTensor(result.values);
    const pairs = subject.tower.heads ** 2;
    MODES.forEach((mode, at) => {
      const own = values.subarray(at * pairs, (at + 1) * pairs);
      expect([...own].every(score => score > 0 && score < 1)).toBe(true);
      if (same) {
        expect(furthest(own, wanted.composition[mode].flat())).toBeLessThan(RATIOS);
      }
    });
  });

  test('matching scores of bare tokens that passed the norms', async () => {
    const result = await run(qkCircuit, subject, { layer, head });
    if (same) {
      expect(furthest(decodeTensor(result.scores), wanted.matching.flat())).toBeLessThan(1e-5);
    }
    expect(decodeTensor(result.shares)[layer * subject.tower.heads + head]).not.toBeNaN();
  });

  test('a card keeps what an encoder has', async () => {
    const card = await run(headCard, subject, { layer, head, prompts: [{ clean: ids }] });
    const { scores, partners, reason, direct, tokens } = card;
    expect([scores, partners, reason].map(({ why }) => why)).toEqual(['', '', '']);
    expect([direct.found, tokens.found]).toEqual([null, null]);
    expect(partners.found!.partners.columns.score.length).toBeGreaterThan(0);
  });
});

test('a head with a layer of its own is no path of weights', async () => {
  const subject = await open('bert', 'optimum');
  expect(ovCircuit.refuses(subject)).toContain('between its last block and its unembedding stands a layer of its own');
  expect(directLogitAttribution.refuses(subject)).toContain('between its last block and its unembedding');
  await subject.close();
});

test('a decoder whose unembedding reads the last block’s norm: direct terms through all later norms, as PyTorch has them', async () => {
  const { ids: clean, correct, wrong: other, measured, terms, sources, neurons } = wanted.attribution;
  const packed = readFileSync(join(FOLDER, 'post-norm.onnx.gz'));
  const subject = await openModel(memoryFiles('opt', { 'model.onnx': gunzipSync(packed) }), createNodeRuntime(), quiet);
  const prompts = [{ clean, answer: { correct: [correct], wrong: [other] } }];
  const result = await run(directLogitAttribution, subject, { prompts, neurons: 80 });
  const { name, value } = result.terms.columns;
  const found = Object.keys(terms).map(one => Number(value[name.indexOf(one)]));
  expect(furthest(found, Object.values(terms))).toBeLessThan(TERMS);
  expect([...name].sort()).toEqual([...Object.keys(terms), 'constant', 'remainder'].sort());
  expect(Math.abs(result.measured - measured)).toBeLessThan(TERMS);
  expect(Math.abs(result.sum - measured)).toBeLessThan(TERMS);
  const heads = result.sourceHeads.columns;
  expect(heads.layer.length).toBe(8);
  const rows = heads.layer.map((layer, at) => sources[Number(layer) * 4 + Number(heads.head[at])]);
  expect(furthest(decodeTensor(result.sources), rows.flat())).toBeLessThan(TERMS);
  const listed = result.neurons.columns;
  expect(listed.value.length).toBe(80);
  const own = listed.layer.map((layer, at) => neurons[Number(layer)][Number(listed.neuron[at])]);
  expect(furthest(listed.value.map(Number), own)).toBeLessThan(TERMS);
  const card = await run(headCard, subject, { layer: 0, head: 2, prompts });
  expect(card.direct.found!.term.mean).toBeCloseTo(terms.L0H2, 5);
  expect(card.direct.found!.sources.reduce((sum, one) => sum + one, 0)).toBeCloseTo(terms.L0H2, 5);
  await subject.close();
});

test.each(['esm', 'modernbert'])('%s: neither is one behind pre-norm blocks', async family => {
  const subject = await openFile(family, 'dynamo');
  for (const analysis of [ovCircuit, directLogitAttribution]) {
    expect(analysis.refuses(subject)).toMatch(/^between its last block and its unembedding stands a layer of its own/);
  }
  await subject.close();
});

test.each(['albert', 'electra'])('%s: a table narrower than the stream is refused', async family => {
  const subject = await openFile(family, 'optimum');
  expect(qkCircuit.refuses(subject)).toContain('its table of tokens is narrower than the stream');
  await subject.close();
});

describe.each(['olmo2', 'granite', 'qwen3', 'cohere'])(
  '%s: norms and scales behind the heads and the logits',
  family => {
    let subject: Subject;
    beforeAll(async () => {
      subject = await openFile(family, 'optimum');
    });
    afterAll(() => subject.close());

    test('a score is the sum of its terms', async () => {
      const result = await run(attentionAttribution, subject, { ids, layer: 1, head: 1 });
      expect(result.queryParts).toContain('L0H1');
      expect(Math.abs(result.sum - result.scores[0])).toBeLessThan(TERMS * Math.max(1, Math.abs(result.scores[0])));
    });

    test('the logit difference is the sum of its terms, a head that of its sources', async () => {
      const prompts = [{ clean: ids, answer: { correct: [4], wrong: [8] } }];
      const result = await run(directLogitAttribution, subject, { prompts });
      expect(Math.abs(result.sum - result.measured)).toBeLessThan(1e-4);
      const { layer: layers, head: heads } = result.sourceHeads.columns;
      const [count, length] = result.sources.shape;
      const sources = decodeTensor(result.sources);
      const own = Array.from({ length: count }, (_, at) =>
        sources.subarray(at * length, (at + 1) * length).reduce((sum, value) => sum + value, 0)
      );
      const values = decodeTensor(result.values);
      const of = layers.map((one, at) => values[Number(one) * subject.tower.heads + Number(heads[at])]);
      expect(furthest(own, of)).toBeLessThan(TERMS);
    });
  }
);

test('capped scores stay refused', async () => {
  const subject = await openFile('gemma2', 'optimum');
  expect(attentionAttribution.refuses(subject)).toContain('soft-caps its scores');
  await subject.close();
});
