import { attentionEntropy } from '../../../src/analyses/attention/attention-entropy';
import { headMeans } from '../../../src/analyses/attention/head-values';
import { formalLanguage } from '../../../src/analyses/languages/formal-language';
import { linearProbe } from '../../../src/analyses/probing/linear-probe';
import type { ResultTensor } from '../../../src/analyses/result';
import { decodeTensor } from '../../../src/analyses/tensor-codec';
import { headRank } from '../../../src/analyses/weights/head-rank';
import { tokenUniformity } from '../../../src/analyses/geometry/token-uniformity';
import { profileRows } from '../../../src/analyses/geometry/profile';
import { otherPaths } from '../../../src/analyses/other-models';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import type { Figure, PlotlyFigure } from '../../../src/figures/figure';
import { namedModels } from '../../../src/report/named-models';
import { open, run } from '../circuits/lens';
import { context, fakeSubject, type Fake } from '../fake-subject';

const IDS = [3, 1, 4, 1, 5];

test('each model’s own numbers, opened and closed in turn, beside one another in one figure', async () => {
  const first = await open('gpt2', 'optimum');
  const log: string[] = [];
  const opener = async (path: string) => {
    const subject = await open(path, 'optimum');
    log.push(`open ${path}`);
    return { ...subject, close: async () => void log.push(`close ${path}`, `${await subject.close()}`.slice(0, 0)) };
  };
  const spec = validateSpec(tokenUniformity, { ids: IDS, others: 'llama\n\n bert \r\n' });
  const result = tokenUniformity.validateResult(
    await tokenUniformity.compute(first, spec, { ...context, open: opener }, 0)
  );
  expect(log.filter(Boolean)).toEqual(['open llama', 'close llama', 'open bert', 'close bert']);
  for (const [at, family] of ['llama', 'bert'].entries()) {
    const subject = await open(family, 'optimum');
    const alone = await run(tokenUniformity, subject, { ids: IDS });
    expect(profileRows(result.others![at].values)).toEqual(profileRows(alone.values));
    expect(result.others![at].hash).toBe(subject.facts.hash);
    await subject.close();
  }
  const figures = tokenUniformity.figures(result, spec) as PlotlyFigure[];
  expect(figures.map(({ title }) => title)).toEqual([
    'Token uniformity',
    'Rank of the stream',
    'Token uniformity, 3 models: mean cosine',
    'Rank of the stream, 3 models: numerical rank',
    'Rank of the stream, 3 models: effective rank'
  ]);
  expect(figures[2].data.filter(({ name }) => name)).toHaveLength(3);
  expect(tokenUniformity.cost(first, spec).forwards).toBe(3);
  await first.close();
});

const layersOf = ({ values }: { readonly values: ResultTensor & { readonly dtype: 'float32' } }): number[][] =>
  headMeans(decodeTensor(values), values.shape);
const close = (found: number[][], expected: number[][]): void =>
  found.forEach((row, m) => row.forEach((value, at) => expect(value).toBeCloseTo(expected[m][at], 5)));
const figured = (figures: readonly Figure[]): string[] =>
  figures.map(({ title }) => title).filter(title => title.includes('2 models'));

test('attention’s and heads’ means over the heads stand beside those of another model', async () => {
  const [first, second] = [await open('gpt2', 'optimum'), await open('llama', 'optimum')];
  const opener = { ...context, open: async () => ({ ...second, close: async () => undefined }) };
  const entropy = validateSpec(attentionEntropy, { ids: IDS, others: 'b' });
  const found = attentionEntropy.validateResult(await attentionEntropy.compute(first, entropy, opener, 0));
  close(profileRows(found.others![0].values), layersOf(await run(attentionEntropy, second, { ids: IDS })));
  expect(figured(attentionEntropy.figures(found, entropy))).toEqual([
    'Attention, 2 models: normalised entropy',
    'Attention, 2 models: first-token sink',
    'Attention, 2 models: mean distance'
  ]);
  expect(attentionEntropy.summary(found, entropy)).toMatch(
    /^beside it llama, first to last: entropy \d\S* to \d\S*, normalised entropy /m
  );
  const rank = validateSpec(headRank, { ids: IDS, others: 'b' });
  const ranks = headRank.validateResult(await headRank.compute(first, rank, opener, 0));
  close(profileRows(ranks.others![0].values), layersOf(await run(headRank, second, { ids: IDS })));
  expect(figured(headRank.figures(ranks, rank))).toHaveLength(3);
  await Promise.all([first.close(), second.close()]);
});

test('a probe and a language are asked of each model as of one alone', async () => {
  const [first, second] = [await open('gpt2', 'optimum'), await open('llama', 'optimum')];
  const opener = { ...context, open: async () => ({ ...second, close: async () => undefined }) };
  const rows = Array.from({ length: 24 }, (_, i) => `${1 + (i % 8)}/a ${20 + (i % 5)}/b ${40 + (i % 7)}`).join('\n');
  const asked = validateSpec(linearProbe, { task: 'rows', rows, others: 'b', codelength: false });
  const probed = linearProbe.validateResult(await linearProbe.compute(first, asked, opener, 3));
  const alone = await linearProbe.compute(second, { ...asked, others: undefined }, context, 3);
  expect(profileRows(probed.others![0].values)).toEqual(profileRows(alone.values));
  expect(figured(linearProbe.figures(probed, asked))).toEqual([
    'Linear probe, 2 models: accuracy',
    'Linear probe, 2 models: selectivity'
  ]);
  const task = { task: 'parity', form: 'positions', vocabulary: '#5 #6', lengths: [2, 6], sequences: 8 };
  const language = validateSpec(formalLanguage, { ...task, others: 'b' });
  const told = formalLanguage.validateResult(await formalLanguage.compute(first, language, opener, 3));
  const own = await formalLanguage.compute(second, { ...language, others: undefined }, context, 3);
  expect(profileRows(told.others![0].values)).toEqual(profileRows(own.values));
  expect(figured(formalLanguage.figures(told, language))).toEqual(['parity, 2 models: accuracy']);
  expect(() =>
    formalLanguage.validateResult({ ...told, others: [{ ...told.others![0], values: probed.others![0].values }] })
  ).toThrow('result.others lengths');
  await Promise.all([first.close(), second.close()]);
});

test('a deeper model goes on where the first one ends; one without a tokenizer reads by the first one’s', async () => {
  const of = (layers: number, extra: Partial<Fake> = {}) =>
    fakeSubject({
      layers,
      heads: 1,
      tensor: (_, { length }) => ({
        dims: [length, 2],
        data: Float32Array.from({ length: 2 * length }, (__, i) => i + 1)
      }),
      ...extra
    });
  const result = await tokenUniformity.compute(
    of(1),
    validateSpec(tokenUniformity, { ids: IDS, others: 'deep' }),
    { ...context, open: async () => of(3) },
    0
  );
  const figure = tokenUniformity.figures(result, validateSpec(tokenUniformity, {})).at(-1);
  expect(figure?.table?.rows.map(([place]) => place)).toEqual(['in', '0', '1', '2']);
  expect(figure?.table?.rows[3].map(cell => cell === '–')).toEqual([false, true, false]);
});

test.each([
  ['four of them', { others: 'a\nb\nc\nd' }, "field 'others' names 4 models, at most 3 stand beside the first"],
  ['one where nothing opens', { others: 'a' }, "other model not opened: nothing opens 'a' here"]
])('refuses %s', async (_, given, message) => {
  const subject = fakeSubject({
    layers: 1,
    heads: 1,
    tensor: () => ({ dims: [2, 2], data: Float32Array.from([1, 2, 3, 4]) })
  });
  await expect(run(tokenUniformity, subject, { ids: [1, 2], ...given })).rejects.toThrow(message);
});

test('a model that cannot serve the measure is refused by its name, and closed', async () => {
  const subject = fakeSubject({
    layers: 1,
    heads: 1,
    tensor: () => ({ dims: [2, 2], data: Float32Array.from([1, 2, 3, 4]) })
  });
  let closed = 0;
  const bare = { ...fakeSubject({ layers: 1, heads: 1, hooks: [] }), close: async () => void closed++ };
  const spec = validateSpec(tokenUniformity, { ids: [1, 2], others: 'x' });
  await expect(tokenUniformity.compute(subject, spec, { ...context, open: async () => bare }, 0)).rejects.toThrow(
    "token uniformity of 'fake': the hook 'blocks.0.hook_resid_pre' was not found in this graph"
  );
  expect(closed).toBe(1);
});

test('the models that a spec names, in order', () => {
  expect(namedModels({ other: 'a', others: 'b\n c' })).toEqual(['a', 'b', 'c']);
  expect(namedModels({ other: ' ' })).toEqual([]);
  expect(otherPaths(undefined)).toEqual([]);
  expect(otherPaths(['a'])).toEqual([]);
});
