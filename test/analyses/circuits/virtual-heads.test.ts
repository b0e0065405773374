import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { directLogitAttribution } from '../../../src/analyses/circuits/attribution/direct-logit-attribution';
import { productPatterns } from '../../../src/analyses/circuits/composition/product-patterns';
import { virtualHeads } from '../../../src/analyses/circuits/composition/virtual-heads';
import type { VirtualHeads } from '../../../src/analyses/circuits/composition/virtual-view';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import { decodeTensor } from '../../../src/analyses/tensor-codec';
import { folderFiles } from '../../../src/cli/folder-files';
import type { PlotlyFigure } from '../../../src/figures/figure';
import { createNodeRuntime } from '../../../src/runtime/node';
import { openModel } from '../../../src/subject/opening/open-model';
import type { Subject } from '../../../src/subject/subject';
import { quiet } from '../../subject/fixture-files';
import { furthest, MODELS, open, openFile, oracle, run } from './lens';

interface Wanted {
  readonly first: readonly [number, number];
  readonly second: readonly [number, number];
  readonly families: Readonly<
    Record<
      string,
      {
        /** [sender of layer 0][receiver of layer 1], logits. */
        readonly pairs: readonly (readonly number[])[];
        /** By receiver of layer 1. */
        readonly embeddings: readonly number[];
        readonly mlps: readonly number[];
        readonly heads: readonly number[];
        /** A₂·A₁ of `first` and `second` on the first prompt. */
        readonly product: readonly (readonly number[])[];
        /** [sender · heads + receiver] */
        readonly copying: readonly number[];
        readonly composition: readonly number[];
      }
    >
  >;
}

/** What test/fixtures/virtual_heads.py wrote. */
const wanted = JSON.parse(
  readFileSync(join(__dirname, '../../fixtures/analyses/virtual-heads.json'), 'utf8')
) as Wanted;
const { correct, wrong, families } = oracle<{
  readonly correct: readonly number[];
  readonly wrong: readonly number[];
  readonly families: Readonly<Record<string, { readonly ids: readonly (readonly number[])[] }>>;
}>();
// Logits of up to 2 from activations of single precision; ratios from weights of single precision; patterns in 8 bits: half a step at weight 1.
const [LOGITS, RATIOS, EIGENVALUES, STORED] = [2e-5, 1e-6, 1e-5, 1 / 255];

const promptsOf = (family: string): object[] =>
  families[family].ids.map(clean => ({ clean, answer: { correct, wrong } }));
const indexed = (prefix: string): string[] => [0, 1, 2, 3].map(head => `${prefix}${head}`);
const column = (result: VirtualHeads, name: string): number[] => result.origins.columns[name].map(Number);

describe.each(MODELS)('%s/%s.onnx as in TransformerLens', (family, style) => {
  let subject: Subject;
  let result: VirtualHeads;
  beforeAll(async () => {
    subject = await open(family, style);
    result = await run(virtualHeads, subject, { prompts: promptsOf(family), pairs: 16 });
  });
  afterAll(() => subject.close());
  const own = wanted.families[family];

  test('terms of all pairs', () => {
    const { heads } = subject.tower;
    const values = decodeTensor(result.values);
    const found = own.pairs.flatMap((row, from) => row.map((_, to) => values[from * 2 * heads + heads + to]));
    expect(furthest(found, own.pairs.flat())).toBeLessThan(LOGITS);
    const [size] = result.values.shape;
    expect(values.filter(value => !Number.isNaN(value)).length).toBe(heads ** 2);
    expect(size).toBe(2 * heads);
  });

  test('what the later heads had read, which adds up to their direct terms', async () => {
    const { heads } = subject.tower;
    expect(furthest(column(result, 'embeddings').slice(heads), own.embeddings)).toBeLessThan(LOGITS);
    expect(furthest(column(result, 'MLPs').slice(heads), own.mlps)).toBeLessThan(LOGITS);
    const parts = ['embeddings', 'heads', 'MLPs', 'biases'].map(name => column(result, name));
    const sums = parts[0].map((_, at) => parts.reduce((sum, part) => sum + part[at], 0));
    expect(furthest(sums.slice(heads), own.heads)).toBeLessThan(LOGITS);
    const direct = await run(directLogitAttribution, subject, { prompts: promptsOf(family) });
    expect(furthest(sums, [...decodeTensor(direct.values)])).toBeLessThan(LOGITS);
  });

  test('the ways add up to the model’s own logits', () => {
    expect(Math.abs(result.sum - result.measured)).toBeLessThan(1e-4);
    const { name, value } = result.paths.columns;
    const rest = Number(value[name.indexOf('remainder')]);
    expect(Math.abs(rest)).toBeLessThan(1e-4);
  });

  test('scores of the weights', () => {
    const { fromHead, toHead, fromLayer } = result.top.columns;
    expect(fromLayer.every(layer => layer === 0)).toBe(true);
    const places = fromHead.map((from, at) => Number(from) * subject.tower.heads + Number(toHead[at]));
    expect(new Set(places).size).toBe(16);
    const of = (all: readonly number[]): number[] => places.map(place => all[place]);
    expect(furthest(result.scores.found!.composition, of(own.composition))).toBeLessThan(RATIOS);
    expect(furthest(result.scores.found!.copying, of(own.copying))).toBeLessThan(EIGENVALUES);
  });

  test('the product of both patterns', async () => {
    const place = ([layer, head]: readonly [number, number]) => ({ layer, head });
    const pair = { from: place(wanted.first), to: place(wanted.second) };
    const [product] = await productPatterns(subject, families[family].ids[0], [pair], quiet);
    const weights = Array.from(decodeTensor(product), value => (value / 255) ** 2);
    expect(furthest(weights, own.product.flat())).toBeLessThan(STORED);
    expect(result.patterns.length).toBe(3);
  });
});

test('the bundled model: words and figures', async () => {
  const subject = await openModel(
    await folderFiles(join(__dirname, '../../../examples/models/induction-2l')),
    createNodeRuntime(),
    quiet
  );
  const spec = validateSpec(virtualHeads, { prompts: { set: 'induction', n: 4 } });
  const result = virtualHeads.validateResult(
    JSON.parse(JSON.stringify(await virtualHeads.compute(subject, spec, quiet, 0)))
  );
  expect(Math.abs(result.sum - result.measured)).toBeLessThan(1e-4);
  const [first, map, graph, bars] = virtualHeads.figures(result, spec);
  expect(first.title).toBe('Ways to the logit difference');
  expect(map.title).toBe('Virtual attention heads');
  expect((map as PlotlyFigure).labels).toEqual({ rows: indexed('L0H'), columns: indexed('L1H') });
  const [{ z }] = (graph as PlotlyFigure).data as { z: number[][] }[];
  const { toLayer, toHead, value } = result.top.columns;
  const into = value.filter((_, at) => toLayer[at] === 1 && toHead[at] === 2).map(Number);
  expect(z[1][2]).toBeCloseTo(
    into.reduce((sum, one) => sum + one, 0),
    6
  );
  expect(bars.table!.columns).toEqual([
    'virtual head',
    'contribution (logits)',
    'standard deviation over prompts',
    'V-composition',
    'copying score'
  ]);
  const words = virtualHeads.summary(result, spec);
  expect(words.split('\n').length).toBeLessThan(41);
  expect(words).toContain('head → head');
  expect(() => virtualHeads.validateResult({ ...result, heads: 3 })).toThrow("'result.values'");
  await subject.close();
});

test.each([
  ['bert', 'optimum', 'between its last block and its unembedding stands a layer of its own'],
  ['bert-model', 'optimum', 'model without unembedding']
])('%s/%s.onnx is refused', async (family, style, why) => {
  const subject = await open(family, style);
  expect(virtualHeads.refuses(subject)).toContain(why);
  await subject.close();
});

test('heads that are normalised behind are refused, a factor behind them is part of the terms', async () => {
  const olmo = await openFile('olmo2', 'optimum');
  expect(virtualHeads.refuses(olmo)).toContain('normalises what its heads write together');
  await olmo.close();
  const granite = await openFile('granite', 'optimum');
  const prompts = [{ clean: [3, 7, 5, 9, 3], answer: { correct: [4], wrong: [8] } }];
  const result = await run(virtualHeads, granite, { prompts });
  expect(Math.abs(result.sum - result.measured)).toBeLessThan(1e-4);
  await granite.close();
});
