import { profileRows } from '../../../src/analyses/geometry/profile';
import { rankCollapse } from '../../../src/analyses/geometry/rank-collapse';
import { baselineRows } from '../../../src/analyses/baseline';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import type { PlotlyFigure } from '../../../src/figures/figure';
import type { Subject } from '../../../src/subject/subject';
import { open, run } from '../circuits/lens';
import { fakeSubject } from '../fake-subject';
import { oracle } from './oracle';

type Variant = 'as_is' | 'no_skip' | 'no_mlp' | 'attention';

const { collapse } = oracle<{
  collapse: { ids: number[]; families: Record<string, Record<Variant, readonly number[]>> };
}>();
const VARIANTS: readonly Variant[] = ['as_is', 'no_skip', 'no_mlp', 'attention'];

// Two runtimes in single precision; the residual is a ratio of sums, 0.01 or more here.
const RELATIVE = 1e-4;

test.each([
  ['gpt2', 'optimum'],
  ['gpt2', 'dynamo'],
  ['llama', 'optimum'],
  ['neox', 'optimum'],
  ['bert', 'optimum']
])('%s/%s.onnx: the four variants as by PyTorch on the checkpoint’s own modules', async (family, style) => {
  const opened = await open(family, style);
  let forwards = 0;
  const forward: Subject['forward'] = (...given) => (forwards++, opened.forward(...given));
  const subject = { ...opened, forward };
  const result = await run(rankCollapse, subject, { ids: collapse.ids });
  const rows = profileRows(result.values);
  VARIANTS.forEach((variant, i) => {
    const expected = collapse.families[family][variant];
    expect(rows[i]).toHaveLength(expected.length);
    expected.forEach((value, place) =>
      expect([variant, place, Math.abs(rows[i][place] / value - 1) < RELATIVE]).toEqual([variant, place, true])
    );
  });
  const cost = rankCollapse.cost(subject, validateSpec(rankCollapse, { ids: collapse.ids }));
  // Whatever the depth: one of the model, one of each variant.
  expect([cost.forwards, forwards]).toEqual([4, 4]);
  expect(cost.session).toBeGreaterThan(0);
  await subject.close();
});

test('a model of attention alone has two variants, which collapse; the shuffled model stands beside', async () => {
  const subject = await open('attn-only', 'torchscript');
  const result = await run(rankCollapse, subject, { ids: [3, 1, 4, 1, 5, 9, 2, 6], baseline: 1 });
  const [asIs, without, noMlp] = profileRows(result.values);
  expect(result.mlps).toBe(false);
  expect(noMlp.every(Number.isNaN)).toBe(true);
  expect(asIs[0]).toBe(without[0]);
  expect(asIs[1]).not.toBe(without[1]);
  expect(baselineRows(result.baseline)[1][1][0]).not.toBe(without[1]);
  const [figure] = rankCollapse.figures(result, validateSpec(rankCollapse, { ids: [1] })) as PlotlyFigure[];
  expect(figure.data.map(({ name }) => name).filter(Boolean)).toEqual([
    'as it is',
    'without skips',
    'as it is, shuffled',
    'without skips, shuffled'
  ]);
  await subject.close();
});

test('one token, and a model without the hooks, are refused by name', async () => {
  const subject = await open('gpt2', 'optimum');
  await expect(run(rankCollapse, subject, { ids: [3] })).rejects.toThrow(
    'rank collapse: needs at least 2 tokens, got 1'
  );
  await subject.close();
  const bare = fakeSubject({ layers: 1, heads: 1, hooks: [] });
  expect(rankCollapse.refuses(bare)).toBe("the hook 'blocks.0.hook_resid_pre' was not found in this graph");
});
