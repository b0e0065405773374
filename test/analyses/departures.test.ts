import { analyses } from '../../src/analyses';
import { departures, stating } from '../../src/analyses/departures';
import { tokenUniformity } from '../../src/analyses/geometry/token-uniformity';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import { open, run } from './circuits/lens';

const EVERY = [
  'skips',
  'cross',
  'mlps',
  'norms',
  'mask',
  'biases',
  'positions',
  'heads',
  'groups',
  'softcap',
  'softmax',
  'activations',
  'tied'
] as const;

// As the configurations in test/fixtures/families.py have it.
test.each([
  [
    'gpt2',
    [
      'skip connections around attention and around MLPs',
      'MLPs in 2 of 2 blocks',
      'layer norms in front of attention and MLPs',
      'a causal mask: the first token sees itself alone',
      'biases in attention',
      '4 heads in each of 2 layers',
      'softmax attention, which is not piecewise linear',
      'gates of gelu-tanh where ReLU is meant',
      'an unembedding tied to the embedding'
    ]
  ],
  [
    'llama',
    [
      'skip connections around attention and around MLPs',
      'gated MLPs in 2 of 2 blocks',
      'RMS norms in front of attention and MLPs',
      'a causal mask: the first token sees itself alone',
      'queries and keys rotated by position',
      '4 heads in each of 2 layers',
      'keys and values shared by 2 heads each',
      'softmax attention, which is not piecewise linear',
      'gates of silu where ReLU is meant'
    ]
  ],
  [
    'bert',
    [
      'skip connections around attention and around MLPs',
      'MLPs in 2 of 2 blocks',
      'layer norms behind attention and MLPs',
      'biases in attention',
      '4 heads in each of 2 layers',
      'softmax attention, which is not piecewise linear',
      'gates of gelu where ReLU is meant',
      'an unembedding tied to the embedding'
    ]
  ]
])('%s departs from theorems where its configuration says so', async (family, expected) => {
  const subject = await open(family, 'optimum');
  expect(departures(subject, EVERY)).toEqual(expected);
  await subject.close();
});

test('they stand in the result, in the first caption and in the summary; an older result has none', async () => {
  const subject = await open('gpt2', 'optimum');
  const result = await run(tokenUniformity, subject, { ids: [3, 1, 4] });
  const spec = validateSpec(tokenUniformity, { ids: [3, 1, 4] });
  expect(result.breaks).toEqual(departures(subject, ['skips', 'mlps', 'norms', 'mask']));
  expect(tokenUniformity.figures(result, spec)[0].caption).toContain('Not as in the theorem: skip connections');
  expect(tokenUniformity.summary(result, spec)).toContain('not as in the theorem: skip connections');
  const older = tokenUniformity.validateResult({ ...result, breaks: undefined });
  expect(tokenUniformity.figures(older, spec)[0].caption).not.toContain('theorem');
  expect(() => tokenUniformity.validateResult({ ...result, breaks: ['x'.repeat(500)] })).toThrow("'result.breaks[0]'");
  await subject.close();
});

test('what the input strains is said beside', async () => {
  const inner = { ...tokenUniformity };
  const subject = await open('gpt2', 'optimum');
  const strained = stating(inner, [], () => ['only three tokens']);
  expect((await run(strained, subject, { ids: [3, 1, 4] })).breaks).toEqual(['only three tokens']);
  await subject.close();
});

test('every measure of expressivity and generalisation names a paper', () => {
  const measured = analyses.filter(({ family }) => family === 'expressivity' || family === 'generalisation');
  expect(measured.length).toBeGreaterThan(10);
  for (const { id, measure, theory } of measured) {
    expect([id, Boolean(measure), theory.references.some(one => /(19|20)\d\d/.test(one))]).toEqual([id, true, true]);
  }
});

test('a model of attention alone has no MLPs to leave out', async () => {
  const subject = await open('attn-only-rope', 'torchscript');
  expect(departures(subject, ['skips', 'mlps', 'norms'])).toEqual([
    'skip connections around attention',
    'layer norms in front of attention'
  ]);
  await subject.close();
});
