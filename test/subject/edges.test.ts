import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { random } from '../../src/maths/random';
import { joinBytes } from '../../src/onnx/join-bytes';
import { externalise } from '../../src/onnx/externalise';
import type { Tensor } from '../../src/onnx/tensor';
import { writeModel } from '../../src/onnx/write-model';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Generation } from '../../src/subject/generate/generate';
import type { Edges } from '../../src/subject/interventions/edges';
import type { Cache, Subject } from '../../src/subject/subject';
import { fixtures, openModel as readFixture } from '../anatomy/fixtures';
import { scramble } from '../fixtures/scramble';
import { fixtureFiles, memoryFiles, quiet } from './fixture-files';

const runtime = createNodeRuntime();
const open = (family: string, style: string): Promise<Subject> =>
  openModel(fixtureFiles(family, `${style}.onnx`), runtime, quiet);

/** [row][position or receiver][column or sender] */
type Cube = readonly (readonly (readonly number[])[])[];

/** What TransformerLens's split inputs gave (test/fixtures/edges.py). */
interface Expected {
  readonly ids: readonly (readonly number[])[];
  readonly other: readonly (readonly number[])[];
  readonly senders: readonly string[];
  readonly receivers: readonly string[];
  readonly positions: readonly number[];
  readonly columns: readonly number[];
  readonly cases: readonly { readonly mask: Cube; readonly logits: Cube }[];
  /** With the last case's mask: its half and zeros, and with means over the other rows. */
  readonly generated: { readonly steps: number } & Readonly<
    Record<
      'zero' | 'mean',
      { readonly ids: readonly (readonly number[])[]; readonly logits: readonly (readonly number[])[] }
    >
  >;
  readonly zeroed: { readonly edges: readonly string[]; readonly logits: Cube };
}

const expectedOf = (family: string): Expected =>
  JSON.parse(readFileSync(join(__dirname, `../fixtures/edges/${family}.json`), 'utf8')) as Expected;

const tensorOf = (mask: Cube): Tensor => ({
  dims: [mask.length, 1, mask[0].length, mask[0][0].length],
  type: 'float32',
  data: Float32Array.from(mask.flat(2))
});

const kept = ({ dims, data }: Tensor, { positions, columns }: Expected): readonly number[] =>
  Array.from({ length: dims[0] }, (_, row) =>
    positions.map(at => columns.map(column => Number(data[(row * dims[1] + at) * dims[2] + column])))
  ).flat(2);

/** The first that a run gives. */
const logitsOf = (cache: Cache): Tensor => cache.get(cache.names[0]);

const relative = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let [most, largest] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    most = Math.max(most, Math.abs(a[i] - b[i]));
    largest = Math.max(largest, Math.abs(b[i]));
  }
  return most / largest;
};

// Of the largest logit: the oracle has five digits behind the point (3e-6), and two layers in single precision are as far apart.
const TOLERANCE = 2e-5;

const compare = async (edges: Edges, expected: Expected): Promise<void> => {
  expect([edges.senders, edges.receivers]).toEqual([expected.senders, expected.receivers]);
  const { ids } = expected;
  const patch = await edges.written(expected.other, quiet);
  for (const { mask, logits } of expected.cases) {
    const got = logitsOf(await edges.run({ ids, mask: tensorOf(mask), patch }, quiet));
    expect(relative(kept(got, expected), logits.flat(2))).toBeLessThanOrEqual(TOLERANCE);
  }
  const zeroed = logitsOf(await edges.run({ ids, mask: edges.mask(expected.zeroed.edges), patch: 'zero' }, quiet));
  expect(relative(kept(zeroed, expected), expected.zeroed.logits.flat(2))).toBeLessThanOrEqual(TOLERANCE);
};

test.each([
  ['gpt2', 'optimum'],
  ['gpt2', 'torchscript-opset16'],
  ['llama', 'optimum-with-past'],
  ['llama', 'dynamo'],
  ['neox', 'optimum'],
  ['neox', 'dynamo'],
  ['attn-only', 'dynamo'],
  ['attn-only-rope', 'torchscript'],
  ['no-norm', 'torchscript']
])('%s/%s.onnx: masks as in TransformerLens', async (family, style) => {
  const subject = await open(family, style);
  await compare(await subject.edges({}, quiet), expectedOf(family));
  await subject.close();
});

/** Over rows and positions. */
const meanOf = ({ dims: [rows, positions, ...rest], data }: Tensor): Tensor => {
  const size = rest[0] * rest[1];
  const mean = new Float64Array(size);
  Array.from(data, Number).forEach((value, at) => (mean[at % size] += value / (rows * positions)));
  return { dims: [1, 1, ...rest], type: 'float32', data: Float32Array.from(mean) };
};

test.each([
  ['gpt2', 'optimum-with-past', undefined, 'past'],
  ['gpt2', 'optimum-with-past', 'never', 'whole'],
  ['llama', 'optimum-with-past', undefined, 'past'],
  ['llama', 'dynamo', undefined, 'whole'],
  ['neox', 'optimum', undefined, 'whole']
] as const)(
  '%s/%s.onnx, past %s: continued with changed edges as in TransformerLens',
  async (family, style, past, method) => {
    const subject = await open(family, style);
    const expected = expectedOf(family);
    const edges = await subject.edges({}, quiet);
    const { steps } = expected.generated;
    const ids = expected.ids;
    const mask = tensorOf(expected.cases[2].mask);
    const half = { ...mask, data: (mask.data as Float32Array).map(value => value / 2) };
    const mean = meanOf(await edges.written(expected.other, quiet));
    const request = { ids, tokens: steps, logits: true, ...(past && { past }) };
    for (const [kind, given] of [
      ['zero', { mask: half, patch: 'zero' }],
      ['mean', { mask, patch: mean }]
    ] as const) {
      const got = await edges.generate({ ...request, ...given }, quiet);
      const theirs = expected.generated[kind];
      expect([got.method, got.ids]).toEqual([method, theirs.ids]);
      const width = got.logits!.dims[2];
      const columns = theirs.logits.flatMap((_, at) =>
        expected.columns.map(column => Number(got.logits!.data[at * width + column]))
      );
      expect(relative(columns, theirs.logits.flat())).toBeLessThanOrEqual(TOLERANCE);
    }
    await subject.close();
  }
);

test('a mask of the prompt’s positions ends with them; a patch of them alone does not fit a mask of all', async () => {
  const subject = await open('gpt2', 'optimum-with-past');
  const edges = await subject.edges({}, quiet);
  const { ids, cases, other } = expectedOf('gpt2');
  const one = tensorOf(cases[1].mask);
  const length = ids[0].length;
  const dims = [1, length, ...one.dims.slice(2)];
  const data = new Float32Array(length * one.data.length);
  Array.from({ length }, (_, at) => data.set(one.data as Float32Array, at * one.data.length));
  const patch = await edges.written(other, quiet);
  const mask: Tensor = { dims, type: 'float32', data };
  const [step, whole] = [undefined, 'never' as const].map(past =>
    edges.generate({ ids, tokens: 4, mask, patch, logits: true, ...(past && { past }) }, quiet)
  );
  expect((await step).ids).toEqual((await whole).ids);
  expect(relative(await logitsGiven(step), await logitsGiven(whole))).toBeLessThanOrEqual(TOLERANCE);
  const always = await edges.generate({ ids, tokens: 4, mask: one, patch: 'zero', logits: true }, quiet);
  const prompt = await edges.generate({ ids, tokens: 4, mask, patch: 'zero', logits: true }, quiet);
  expect(
    relative(await logitsGiven(Promise.resolve(always)), await logitsGiven(Promise.resolve(prompt)))
  ).toBeGreaterThan(0.01);
  await expect(edges.generate({ ids, tokens: 4, mask: one, patch }, quiet)).rejects.toThrow(
    `patch wrong: it has ${length} positions and none for new ones, which the mask of one position changes as well`
  );
  await subject.close();
});

test.each([undefined, 'never'] as const)(
  'sampled with changed edges, past %s: drawn from softmax(logits / temperature) of runs with those edges',
  async past => {
    const subject = await open('gpt2', 'optimum-with-past');
    const edges = await subject.edges({}, quiet);
    const { ids, cases } = expectedOf('gpt2');
    const mask = tensorOf(cases[2].mask);
    const [prompt] = ids;
    const one: Tensor = {
      dims: [1, ...mask.dims.slice(1)],
      type: 'float32',
      data: (mask.data as Float32Array).slice(0, mask.dims[2] * mask.dims[3])
    };
    const sampling = { temperature: 1.7, topK: 9, seed: 11 };
    const request = { ids: [prompt], tokens: 8, mask: one, patch: 'zero' as const, ...(past && { past }) };
    const sampled = await edges.generate({ ...request, sampling }, quiet);
    expect(sampled.ids).not.toEqual((await edges.generate(request, quiet)).ids);
    const stream = random(sampling.seed);
    const wanted: number[] = [];
    for (let step = 0; step < request.tokens; step++) {
      const given = [[...prompt, ...wanted]];
      const { dims, data } = logitsOf(await edges.run({ ids: given, mask: one, patch: 'zero' }, quiet));
      const last = Array.from(data, Number).slice(-dims[2]);
      const top = last.map((value, id) => ({ value, id })).sort((a, b) => b.value - a.value);
      const weights = top.slice(0, sampling.topK).map(({ value }) => Math.exp(value / sampling.temperature));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const draw = ((stream.next() + 0.5) / 2 ** 32) * total;
      const at = weights.findIndex((_, index) => draw < weights.slice(0, index + 1).reduce((sum, w) => sum + w, 0));
      wanted.push(top[at].id);
    }
    expect(sampled.ids).toEqual([wanted]);
    await subject.close();
  }
);

const logitsGiven = async (generation: Promise<Generation>): Promise<ArrayLike<number>> =>
  (await generation).logits!.data as Float32Array;

test('the same without names, nodes in another order', async () => {
  const { model, weights } = readFixture('gpt2', 'dynamo');
  const scrambled = scramble(model, weights, 3);
  const { model: external, files } = externalise(scrambled.model, scrambled.weights);
  const data = Object.fromEntries(files.map(({ path, data: bytes }) => [path, bytes]));
  const bytes = joinBytes(writeModel(external));
  const subject = await openModel(memoryFiles('scrambled', { 'm.onnx': bytes, ...data }), runtime, quiet);
  await compare(await subject.edges({}, quiet), expectedOf('gpt2'));
  await subject.close();
});

const summed = fixtures().filter(({ facts }) => facts.tower.norm.placement !== 'post' && facts.tower.dVocab !== null);

// Two ways through one graph, in single precision.
const NEUTRAL = 1e-6;

test.each(summed.map(({ family, style, facts }) => [`${family}/${style}`, family, style, facts] as const))(
  '%s: no edge changes nothing; all edges of another text are that text',
  async (_, family, style, { ids: [first] }) => {
    const subject = await open(family, style);
    const edges = await subject.edges({}, quiet);
    const ids = [first, [...first].reverse()];
    const { logits } = subject.tower.head!;
    const plain = (await subject.forward({ ids, hooks: [], outputs: [logits] }, quiet)).get(logits)
      .data as Float32Array;
    const none = logitsOf(await edges.run({ ids, mask: edges.mask([]), patch: 'zero' }, quiet));
    expect(relative(none.data as Float32Array, plain)).toBeLessThanOrEqual(NEUTRAL);
    const pairs = edges.receivers.flatMap(to => edges.senders.map(from => `${from}->${to}`));
    const all = edges.mask(pairs.filter(pair => possible(edges, pair)));
    const other = await edges.written([ids[1], ids[0]], quiet);
    const swapped = logitsOf(await edges.run({ ids, mask: all, patch: other }, quiet));
    const half = plain.length / 2;
    const wanted = [...plain.subarray(half), ...plain.subarray(0, half)];
    expect(relative(swapped.data as Float32Array, wanted)).toBeLessThanOrEqual(TOLERANCE);
    await subject.close();
  }
);

const possible = (edges: Edges, pair: string): boolean => {
  try {
    edges.mask([pair]);
    return true;
  } catch {
    return false;
  }
};

describe('edges of gpt2', () => {
  let subject: Subject;
  let edges: Edges;
  const ids = [[5, 6, 7, 8]];
  beforeAll(async () => {
    subject = await open('gpt2', 'optimum');
    edges = await subject.edges({ receivers: ['a1.h2<q>', 'logits'] }, quiet);
  });
  afterAll(() => subject.close());

  test('only some receivers: the same numbers from a smaller graph', async () => {
    expect(edges.receivers).toEqual(['a1.h2<q>', 'logits']);
    const all = await subject.edges({}, quiet);
    const some = ['a0.h1->a1.h2<q>', 'm0->logits'];
    const run = (one: Edges) => one.run({ ids, mask: one.mask(some), patch: 'zero' }, quiet).then(logitsOf);
    const [few, many] = [await run(edges), await run(all)];
    expect(relative(few.data as Float32Array, many.data as Float32Array)).toBeLessThanOrEqual(NEUTRAL);
    await all.release();
  });

  test('all edges of a head to the logits alone are the head taken out of the sum', async () => {
    const { data } = logitsOf(await edges.run({ ids, mask: edges.mask(['a1.h3->logits']), patch: 'zero' }, quiet));
    const list = [{ hook: 'blocks.1.attn.hook_z', op: 'zero', heads: [3] } as const];
    const hook = 'blocks.1.hook_mlp_out';
    const keep = (await subject.forward({ ids, hooks: [hook] }, quiet)).get(hook);
    const interventions = { list: [...list, { hook, op: 'set', value: keep } as const] };
    const held = await subject.forward({ ids, hooks: [], outputs: ['logits'], interventions }, quiet);
    expect(relative(data as Float32Array, held.get('logits').data as Float32Array)).toBeLessThanOrEqual(NEUTRAL);
  });

  test('hooks are read behind the change: only the head that reads the edge moves', async () => {
    const [q, z] = ['blocks.1.attn.hook_q', 'blocks.1.attn.hook_z'];
    const plain = await subject.forward({ ids, hooks: [q, z] }, quiet);
    const run = await edges.run({ ids, mask: edges.mask(['a0.h1->a1.h2<q>']), patch: 'zero', hooks: [q, z] }, quiet);
    expect(run.names).toEqual(['logits', q, z]);
    for (const hook of [q, z]) {
      const moved = Array.from(run.get(hook).data as Float32Array, (x, i) =>
        Math.abs(x - Number(plain.get(hook).data[i]))
      );
      const heads = [0, 1, 2, 3].map(head => Math.max(...moved.filter((_, i) => Math.floor(i / 8) % 4 === head)));
      expect(heads.map(most => most > 1e-3)).toEqual([false, false, true, false]);
    }
  });

  test.each<readonly [string, () => unknown, string]>([
    [
      'an edge backwards',
      () => edges.mask(['a1.h0->a1.h2<q>']),
      "edge impossible: 'a1.h0' writes after 'a1.h2<q>' has read"
    ],
    ['a sender', () => edges.mask(['a0.h9->logits']), "sender unknown: 'a0.h9'"],
    ['a receiver that is not open', () => edges.mask(['a0.h0->m1']), "receiver unknown: 'm1'"],
    ['no edge', () => edges.mask(['a0.h0']), "edge malformed: 'a0.h0', wanted 'a0.h1->a1.h0<q>'"],
    ['an unknown receiver', () => subject.edges({ receivers: ['a7.h0<q>'] }, quiet), "receiver unknown: 'a7.h0<q>'"],
    [
      'a mask backwards',
      () => {
        const mask = edges.mask([]);
        (mask.data as Float32Array)[9] = 1;
        return edges.run({ ids, mask, patch: 'zero' }, quiet);
      },
      "mask wrong: 1 for 'a1.h3->a1.h2<q>'"
    ],
    [
      'a mask of another shape',
      () =>
        edges.run(
          { ids, mask: { dims: [1, 2, 2, 11], type: 'float32', data: new Float32Array(44) }, patch: 'zero' },
          quiet
        ),
      'mask of wrong shape: float32 [1, 2, 2, 11], wanted float32 [1 or 1, 4 or 1, 2, 11]'
    ]
  ])('refuses %s', async (_, act, message) => {
    await expect((async () => act())()).rejects.toThrow(message);
  });
});

test('norms in the stream are refused', async () => {
  const subject = await open('bert', 'optimum');
  await expect(subject.edges({}, quiet)).rejects.toThrow(
    "edges refused: norms stand in the residual stream of the tower 'encoder', so that nothing adds up across them"
  );
  await subject.close();
});
