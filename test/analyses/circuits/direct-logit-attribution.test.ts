import { directLogitAttribution } from '../../../src/analyses/circuits/attribution/direct-logit-attribution';
import { decodeTensor } from '../../../src/analyses/tensor-codec';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import type { Subject } from '../../../src/subject/subject';
import { expectedOf } from '../../subject/matrix-cells';
import { furthest, MODELS, open, openFile, oracle, run } from './lens';

interface Case {
  readonly ids: readonly (readonly number[])[];
  readonly attribution: {
    readonly heads: readonly (readonly number[])[];
    readonly embedding: number;
    readonly positions?: number;
    readonly mlps?: readonly number[];
    readonly biases: readonly number[];
    readonly neurons?: readonly (readonly number[])[];
    /** [layer · heads + head][source] */
    readonly sources: readonly (readonly number[])[];
    readonly measured: number;
  };
}
const { correct, wrong, families } = oracle<{
  readonly correct: readonly number[];
  readonly wrong: readonly number[];
  readonly families: Readonly<Record<string, Case>>;
}>();

// Terms of up to 5 logits, in single precision on the oracle's side.
const TOLERANCE = 2e-5;
// What the analysis promises: the terms add up to the logit difference.
const SUM = 1e-4;

const promptsOf = (family: string) => families[family].ids.map(clean => ({ clean, answer: { correct, wrong } }));

describe.each(MODELS)('%s/%s.onnx as in TransformerLens', (family, style) => {
  const wanted = families[family].attribution;
  let subject: Subject;
  beforeAll(async () => {
    subject = await open(family, style);
  });
  afterAll(() => subject.close());

  test('heads, embeddings, biases, MLPs, neurons and sources', async () => {
    const neurons = wanted.neurons?.length ?? 0;
    const result = await run(directLogitAttribution, subject, { prompts: promptsOf(family), neurons });
    expect(furthest(decodeTensor(result.values), wanted.heads.flat())).toBeLessThan(TOLERANCE);
    const terms = new Map(result.terms.columns.name.map((name, at) => [name, Number(result.terms.columns.value[at])]));
    const others = [
      ['embedding', wanted.embedding],
      ...(wanted.positions === undefined ? [] : [['positions', wanted.positions] as const]),
      ...(wanted.mlps ?? []).map((value, layer) => [`MLP ${layer}`, value] as const),
      ...wanted.biases.map((value, layer) => [`b_O ${layer}`, value] as const)
    ] as readonly (readonly [string, number])[];
    others.forEach(([name, value]) => expect(Math.abs((terms.get(name) ?? 0) - value)).toBeLessThan(TOLERANCE));
    expect(terms.get('remainder')).toBeCloseTo(0, 5);
    expect(Math.abs(result.measured - wanted.measured)).toBeLessThan(TOLERANCE);
    expect(Math.abs(result.sum - wanted.measured)).toBeLessThan(SUM);
    expect(
      furthest(
        result.neurons.columns.value as number[],
        (wanted.neurons ?? []).map(one => one[2])
      )
    ).toBeLessThan(TOLERANCE);
    expect(result.neurons.columns.neuron).toEqual((wanted.neurons ?? []).map(one => one[1]));
    const { layer, head } = result.sourceHeads.columns;
    const rows = layer.flatMap((one, at) => wanted.sources[Number(one) * subject.tower.heads + Number(head[at])]);
    expect(furthest(decodeTensor(result.sources), rows)).toBeLessThan(TOLERANCE);
  });

  test('one token, and any weights', async () => {
    const [clean] = families[family].ids;
    const logit = async (token: number): Promise<number> => {
      const result = await run(directLogitAttribution, subject, {
        prompts: [{ clean, answer: { correct: [token] } }],
        metric: 'logit'
      });
      expect(Math.abs(result.sum - result.measured)).toBeLessThan(SUM);
      return result.measured;
    };
    const weights = [
      { token: 7, weight: 2 },
      { token: 21, weight: -1.5 }
    ];
    const both = await run(directLogitAttribution, subject, {
      prompts: [{ clean, answer: { weights } }],
      metric: 'logits'
    });
    expect(both.sum).toBeCloseTo(2 * (await logit(7)) - 1.5 * (await logit(21)), 3);
  });
});

describe('a subject', () => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await open('gpt2', 'optimum');
  });
  afterAll(() => subject.close());

  test('figures and words', async () => {
    const spec = validateSpec(directLogitAttribution, { prompts: promptsOf('gpt2'), neurons: 3 });
    const result = await run(directLogitAttribution, subject, spec);
    const titles = directLogitAttribution.figures(result, spec).map(({ title }) => title);
    expect(titles).toEqual([
      'Direct attribution of the logit difference',
      'Direct attribution by head',
      'Direct attribution by source token',
      'Direct attribution by neuron'
    ]);
    const words = directLogitAttribution.summary(result, spec);
    expect(words).toMatch(/terms add up to .* logits/);
    expect(words.split('\n').length).toBeLessThan(40);
  });

  test('a result whose parts disagree is refused', async () => {
    const result = await run(directLogitAttribution, subject, { prompts: promptsOf('gpt2') });
    const heads = { columns: { layer: [0], head: [1] } };
    expect(() => directLogitAttribution.validateResult({ ...result, sourceHeads: heads })).toThrow(
      "'result.sourceHeads': 1 where 8 belong"
    );
  });

  test.each<readonly [string, object, string]>([
    [
      'no answer',
      { prompts: [{ clean: [1, 2] }] },
      "answer missing: the metric 'logit-diff' needs an answer of prompts[0]"
    ],
    [
      'equal answers',
      { prompts: [{ clean: [1, 2], answer: { correct: [3], wrong: [3] } }] },
      'answers equal: token 3 is correct and wrong in prompts[0]'
    ]
  ])('refuses %s', async (_, given, message) => {
    await expect(run(directLogitAttribution, subject, given)).rejects.toThrow(message);
  });
});

test.each([
  ['bert', 'optimum', 'between its last block and its unembedding stands a layer of its own'],
  ['bert-model', 'optimum', 'model without unembedding']
])('refuses %s', async (family, style, message) => {
  const subject = await open(family, style);
  expect(directLogitAttribution.refuses(subject)).toContain(message);
  await subject.close();
});

test('terms add up to the logit before a soft cap: bent, it is Hugging Face’s (Gemma 2)', async () => {
  const subject = await openFile('gemma2', 'dynamo');
  const { ids, hooks } = expectedOf('gemma2').text!;
  const { dims, at, values } = hooks.logits;
  const size = dims[2];
  const places = [...at.entries()].filter(([, place]) => place >= size);
  expect(places.length).toBeGreaterThan(10);
  for (const [i, place] of places) {
    // Causal: the logits at a position are those of the text that ends there.
    const clean = ids![0].slice(0, Math.floor(place / size) + 1);
    const given = { prompts: [{ clean, answer: { correct: [place % size] } }], metric: 'logit' };
    const { sum, measured, softcap } = await run(directLogitAttribution, subject, given);
    expect(softcap).toBe(30);
    expect(Math.abs(sum - measured)).toBeLessThan(SUM);
    expect(Math.abs(30 * Math.tanh(sum / 30) - values[i])).toBeLessThan(SUM);
  }
  await subject.close();
});

test('refuses neurons of a model without MLPs', async () => {
  const subject = await open('attn-only', 'torchscript');
  const given = { prompts: promptsOf('attn-only'), neurons: 2 };
  await expect(run(directLogitAttribution, subject, given)).rejects.toThrow('neurons not served: the model has no MLP');
  await subject.close();
});
