import { tokenUniformity } from '../../../src/analyses/geometry/token-uniformity';
import { profileRows } from '../../../src/analyses/geometry/profile';
import { otherPaths } from '../../../src/analyses/other-models';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import type { PlotlyFigure } from '../../../src/figures/figure';
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
    'Mean cosine of 3 models',
    'Numerical rank of 3 models',
    'Effective rank of 3 models'
  ]);
  expect(figures[2].data.filter(({ name }) => name)).toHaveLength(3);
  expect(tokenUniformity.cost(first, spec).forwards).toBe(3);
  await first.close();
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
