import { ablation } from '../../../src/analyses/patching/ablation';
import { attentionAttribution } from '../../../src/analyses/circuits/attribution/attention-attribution';
import { composition } from '../../../src/analyses/circuits/composition/composition';
import { directLogitAttribution } from '../../../src/analyses/circuits/attribution/direct-logit-attribution';
import { headCard } from '../../../src/analyses/circuits/card/head-card';
import { ovCircuit } from '../../../src/analyses/circuits/vocabulary/ov-circuit';
import { decodeTensor } from '../../../src/analyses/tensor-codec';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import type { Subject } from '../../../src/subject/subject';
import { open, openFile, oracle, run } from './lens';

const { correct, wrong, families } = oracle<{
  readonly correct: readonly number[];
  readonly wrong: readonly number[];
  readonly families: Readonly<
    Record<
      string,
      {
        readonly ids: readonly number[][];
        readonly attribution: { readonly heads: number[][]; readonly sources: number[][] };
      }
    >
  >;
}>();
const PLACE = { layer: 1, head: 3 };
// Single precision.
const TOLERANCE = 2e-5;

describe.each([
  ['gpt2', 'optimum'],
  ['llama', 'optimum'],
  ['attn-only', 'torchscript']
])('%s/%s.onnx: the numbers of the card are those of the analyses', (family, style) => {
  const prompts = families[family].ids.map(clean => ({ clean, answer: { correct, wrong } }));
  let subject: Subject;
  let card: Awaited<ReturnType<typeof headCard.compute>>;
  beforeAll(async () => {
    subject = await open(family, style);
    card = await run(headCard, subject, { ...PLACE, prompts });
  });
  afterAll(() => subject.close());

  test('direct effect, as TransformerLens has it', async () => {
    const { term, rank, of } = card.direct.found!;
    const heads = families[family].attribution.heads.flat();
    const own = heads[PLACE.layer * 4 + PLACE.head];
    expect(Math.abs(term.mean - own)).toBeLessThan(TOLERANCE);
    expect(rank).toBe(1 + heads.filter(value => Math.abs(value) > Math.abs(own)).length);
    expect(of).toBe(8);
    const sum = card.direct.found!.sources.reduce((total, value) => total + value, 0);
    const first = await run(directLogitAttribution, subject, { prompts: prompts.slice(0, 1) });
    expect(Math.abs(sum - decodeTensor(first.values)[PLACE.layer * 4 + PLACE.head])).toBeLessThan(TOLERANCE);
  });

  test('ablation, partners, tokens, reason', async () => {
    const all = await run(ablation, subject, { prompts });
    const columns = all.values.shape[1];
    const cut = decodeTensor(all.values)[PLACE.layer * columns + PLACE.head];
    expect(Math.abs(card.ablation.found!.zero.mean - cut)).toBeLessThan(TOLERANCE);
    expect(card.ablation.found!.corrupted).toBeNull();

    const { columns: pairs } = (await run(composition, subject, {})).top;
    const wanted = new Map(
      pairs.score.map((score, at) => [`${pairs.mode[at]} ${pairs.from[at]}`, { to: pairs.to[at], score }])
    );
    const { side, mode, head, score } = card.partners.found!.partners.columns;
    expect(side.every(one => one === 'reads from')).toBe(true);
    expect(head).toHaveLength(12);
    head.forEach((from, at) => {
      const key = `${['Q', 'K', 'V'].indexOf(String(mode[at]))} ${Number(String(from).slice(3))}`;
      const found = wanted.get(key)?.to === 4 + PLACE.head ? wanted.get(key)! : undefined;
      const own = found ?? bySearch(pairs, key, 4 + PLACE.head);
      expect(Number(score[at])).toBeCloseTo(Number(own!.score), 6);
    });

    const [first] = families[family].ids;
    const ov = (await run(ovCircuit, subject, { ...PLACE, ids: first })).rows.columns;
    const { view, source, rank, token, value } = card.tokens.found!.columns;
    const bare = view.flatMap((one, at) => (one === 'token' && rank[at] === 1 ? [at] : []));
    expect(bare.length).toBe(new Set(first).size);
    bare.forEach(at => {
      const own = ov.source.indexOf(source[at]);
      expect(token[at]).toBe(ov.token[own]);
      expect(Number(value[at])).toBeCloseTo(Number(ov.value[own]), 3);
    });

    const { query, keys, sum } = card.reason.found!;
    const reason = await run(attentionAttribution, subject, { ...PLACE, ids: first, query, keys });
    expect(sum).toBeCloseTo(reason.sum, 6);
    expect(keys[0]).toBeGreaterThan(0);
  });

  test('the pattern, eight bits of it', () => {
    const [{ input, values }] = card.patterns;
    const stored = decodeTensor(values);
    const row = stored.subarray(8 * 9, 9 * 9).reduce((sum, one) => sum + (one / 255) ** 2, 0);
    expect(input.ids).toEqual(families[family].ids[0]);
    expect(Math.abs(row - 1)).toBeLessThan(0.03);
  });
});

const bySearch = (
  pairs: Readonly<Record<string, readonly unknown[]>>,
  key: string,
  to: number
): { readonly score: unknown } | undefined => {
  const at = pairs.mode.findIndex((mode, i) => `${mode} ${pairs.from[i]}` === key && pairs.to[i] === to);
  return at < 0 ? undefined : { score: pairs.score[at] };
};

describe('what remains', () => {
  test('of an encoder without unembedding: patterns and kinds', async () => {
    const subject = await open('bert-model', 'optimum');
    const spec = validateSpec(headCard, {
      ...PLACE,
      prompts: [{ clean: [5, 9, 3, 7], answer: { correct: [1], wrong: [2] } }]
    });
    const card = await run(headCard, subject, spec);
    expect(card.scores.found!.kinds.every(share => share !== null)).toBe(true);
    expect(card.scores.found!.copying.why).toBe('the model has no unembedding');
    expect(card.direct.why).toBe('the model has no unembedding, so there is no answer to read');
    expect([card.tokens, card.direct, card.ablation].map(({ found }) => found)).toEqual(Array(3).fill(null));
    expect([card.partners, card.reason].map(({ why }) => why)).toEqual(['', '']);
    const words = headCard.summary(card, spec);
    expect(words).toContain('not said of this model: what it writes: model without unembedding');
    expect(headCard.figures(card, spec).map(({ title }) => title)).toEqual([
      'Head L1H3',
      'Attention of L1H3',
      'Composition partners of L1H3',
      'Why L1H3 attends',
      'Largest terms of the score'
    ]);
    await subject.close();
  });

  test.each([
    // Scores are capped; logits too, and read through their cap.
    ['gemma2', 'soft-caps its scores', ['scores', 'tokens', 'direct', 'ablation', 'partners']]
  ] as const)('of %s: a part that fails says why, the others are there', async (family, why, there) => {
    const subject = await openFile(family, 'dynamo');
    const prompts = [{ clean: [5, 9, 3, 7], answer: { correct: [4], wrong: [8] } }];
    const card = await run(headCard, subject, { ...PLACE, head: 1, prompts });
    expect(card.reason.found).toBeNull();
    expect(card.reason.why).toContain(why);
    const names = ['scores', 'tokens', 'direct', 'ablation', 'partners', 'reason'] as const;
    expect(names.filter(name => card[name].found !== null)).toEqual(there);
    await subject.close();
  });

  test('a cancelled card is no card', async () => {
    const subject = await open('gpt2', 'optimum');
    const cancel = new AbortController();
    const progress = ({ label }: { readonly label: string }): void => (label === 'tokens' ? cancel.abort() : undefined);
    const spec = validateSpec(headCard, { ...PLACE, prompts: [{ clean: [5, 9, 3, 7] }] });
    await expect(headCard.compute(subject, spec, { signal: cancel.signal, progress }, 0)).rejects.toThrow(/abort/i);
    await subject.close();
  });

  test('without answers: everything but effects; corrupted prompts: their effect', async () => {
    const subject = await open('gpt2', 'optimum');
    const spec = validateSpec(headCard, { ...PLACE, prompts: [{ clean: [5, 9, 3, 7] }, { clean: [5, 9, 3, 7, 8] }] });
    const card = await run(headCard, subject, spec);
    expect([card.direct.why, card.ablation.why]).toEqual(Array(2).fill('the prompts have no answers'));
    expect(card.patterns.map(({ values }) => values.shape[0])).toEqual([4, 5]);
    expect(headCard.figures(card, spec).map(({ title }) => title)).toEqual([
      'Head L1H3',
      'Attention of L1H3, prompt 1',
      'Attention of L1H3, prompt 2',
      'What L1H3 writes',
      'Composition partners of L1H3',
      'Why L1H3 attends',
      'Largest terms of the score'
    ]);
    expect(headCard.summary(card, spec).split('\n').length).toBeLessThan(40);
    const pair = { clean: [5, 9, 3, 7], corrupted: [5, 2, 3, 7], answer: { correct: [4], wrong: [8] } };
    const both = await run(headCard, subject, { ...PLACE, prompts: [pair, { ...pair, clean: [5, 9, 9, 7] }] });
    expect(both.ablation.found!.corrupted!.deviation).toBeGreaterThan(0);
    await subject.close();
  });

  test('refuses a layer that is not there', async () => {
    const subject = await open('gpt2', 'optimum');
    await expect(run(headCard, subject, { layer: 2, head: 0 })).rejects.toThrow(
      "field 'layer' names 2, this model has layers 0 to 1"
    );
    await subject.close();
  });

  test.each<readonly [string, object, string]>([
    [
      'answers of some prompts',
      { prompts: [{ clean: [1, 2], answer: { correct: [3], wrong: [4] } }, { clean: [1, 2] }] },
      'answer missing: prompts[1] has none where others have one'
    ],
    [
      'equal answers',
      { prompts: [{ clean: [1, 2], answer: { correct: [3], wrong: [3] } }] },
      'answers equal: token 3 is correct and wrong in prompts[0]'
    ],
    [
      'prompts that are not aligned',
      { prompts: [{ clean: [1, 2], corrupted: [1, 2, 3], answer: { correct: [3], wrong: [4] } }] },
      'prompts not aligned: prompts[0] has 2 tokens clean and 3 corrupted'
    ]
  ])('says of %s that its effects are missing, and keeps the other parts', async (_, given, message) => {
    const subject = await open('gpt2', 'optimum');
    const card = await run(headCard, subject, { ...PLACE, ...given });
    expect([card.direct.why, card.ablation.why]).toEqual(Array(2).fill(expect.stringContaining(message)));
    const { scores, tokens, partners, reason } = card;
    expect([scores, tokens, partners, reason].map(({ why }) => why)).toEqual(Array(4).fill(''));
    expect(headCard.summary(card, validateSpec(headCard, {}))).toContain(message);
    await subject.close();
  });
});
