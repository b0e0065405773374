import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { alignedTexts } from '../../../src/analyses/geometry/aligned-texts';
import {
  representationSimilarity,
  type RepresentationSimilarity
} from '../../../src/analyses/geometry/representation-similarity';
import type { ResultTensor } from '../../../src/analyses/result';
import { decodeTensor } from '../../../src/analyses/tensor-codec';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import type { PlotlyFigure } from '../../../src/figures/figure';
import type { Subject } from '../../../src/subject/subject';
import { quiet } from '../../subject/fixture-files';
import { open } from '../circuits/lens';
import { fakeSubject } from '../fake-subject';
import { lines } from './oracle';

type Table = readonly (readonly number[])[];

/** What test/fixtures/similarity.py wrote. */
const { ids, pairs } = JSON.parse(readFileSync(join(__dirname, '../../fixtures/analyses/similarity.json'), 'utf8')) as {
  ids: number[][];
  pairs: { models: [string, string]; cka: Table; debiased: Table; svcca: Table; pwcca: Table }[];
};

// The streams in single precision by two runtimes, stored in single precision.
const ABSOLUTE = 2e-5;
// PWCCA whitens all directions, also the weakest, where that rounding is a larger share (2.5e-5 in the first run).
const ABSOLUTE_WHITENED = 1e-4;

const spec = (given: object) =>
  validateSpec(representationSimilarity, { texts: lines(ids), other: 'second', ...given });

/** As a notebook gives it back; `closed` counts how often the second model was given back. */
async function compare(first: Subject, second: Subject, given: object = {}) {
  let closed = 0;
  const context = { ...quiet, open: async () => ({ ...second, close: async () => void closed++ }) };
  const result = await representationSimilarity
    .compute(first, spec(given), context, 0)
    .catch((error: Error) => error.message);
  if (typeof result === 'string') {
    return { error: result, closed };
  }
  return { result: representationSimilarity.validateResult(JSON.parse(JSON.stringify(result))), closed };
}

const maps = (values: ResultTensor): number[][] => {
  const [count, rows, columns] = values.shape;
  const flat = Array.from(decodeTensor(values));
  return Array.from({ length: count }, (_, m) => flat.slice(m * rows * columns, (m + 1) * rows * columns));
};

const furthest = (found: readonly number[], expected: Table): number =>
  Math.max(...expected.flat().map((value, at) => Math.abs(value - found[at])));

test.each(pairs)('$models: maps as by numpy’s definitions', async ({ models, cka, debiased, svcca, pwcca }) => {
  const [first, second] = await Promise.all(models.map(name => open(name, 'optimum')));
  const a = await compare(first, second, { cca: 'svcca' });
  const b = await compare(first, second, { cca: 'pwcca' });
  expect([a.closed, b.closed]).toEqual([1, 1]);
  const found = maps(a.result!.other!.values);
  expect(found.length).toBe(3);
  expect(furthest(found[0], cka)).toBeLessThan(ABSOLUTE);
  expect(furthest(found[1], debiased)).toBeLessThan(ABSOLUTE);
  expect(furthest(found[2], svcca)).toBeLessThan(ABSOLUTE);
  expect(furthest(maps(b.result!.other!.values)[2], pwcca)).toBeLessThan(ABSOLUTE_WHITENED);
  await Promise.all([first, second].map(subject => subject.close()));
});

test('the same model behind another exporter: the diagonal is 1', async () => {
  const [first, second] = await Promise.all(['optimum', 'dynamo'].map(style => open('gpt2', style)));
  const { result } = await compare(first, second);
  const [plain, debiased] = maps(result!.other!.values);
  [0, 4, 8].forEach(at => [plain, debiased].forEach(map => expect(map[at]).toBeCloseTo(1, 4)));
  expect(maps(result!.other!.values)[0]).toEqual(maps(result!.values)[0].map(value => expect.closeTo(value, 4)));
  await Promise.all([first, second].map(subject => subject.close()));
});

/** Vectors of a width of its own at each of `layers` + 1 places. */
const cloud = (layers: number, width: number, parts: Partial<Subject> = {}): Subject => ({
  ...fakeSubject({
    layers,
    heads: 1,
    vocabulary: 100,
    tensor: (name, row) => ({
      dims: [row.length, width],
      data: Float32Array.from(row.flatMap(id => Array.from({ length: width }, (_, j) => Math.sin(7 * id + j * j))))
    })
  }),
  ...parts
});

test('widths and depths may differ: rows are the first model’s places, columns the second’s', async () => {
  const { result } = await compare(cloud(1, 3), cloud(3, 5));
  expect(result!.values.shape).toEqual([2, 2, 2]);
  expect(result!.other!.values.shape).toEqual([2, 2, 4]);
  const [figure] = representationSimilarity.figures(result!, spec({})) as PlotlyFigure[];
  expect(figure.title).toBe('Similarity with a second model');
  expect(figure.table!.rows.length).toBe(8);
  expect(representationSimilarity.summary(result!, spec({}))).toContain('With fake, 4 places:');
});

/** Cuts after every `size` letters. */
const cutter = (size: number, hash: string): Partial<Subject> => {
  const encode = (text: string) => {
    const starts = Array.from({ length: Math.ceil(text.length / size) }, (_, i) => i * size);
    const tokens = starts.map(start => ({
      id: text.charCodeAt(start) % 90,
      label: '',
      start,
      end: Math.min(text.length, start + size)
    }));
    return { ids: tokens.map(({ id }) => id), tokens };
  };
  return {
    facts: { ...fakeSubject({ layers: 1, heads: 1 }).facts, label: `cuts of ${size}`, tokenizerHash: hash },
    tokens: { vocabularySize: 100, specialIds: [], encode, decode: () => '', label: String },
    input: ({ text, ids: given }) => {
      const read = given ?? encode(text!).ids;
      return { ids: read, labels: read.map(String), bos: false };
    }
  };
};

describe('tokens of two models', () => {
  test('other tokenizers that cut the texts alike are compared; ids are each model’s own', () => {
    const [a, b] = [cloud(1, 3, cutter(2, 'a')), cloud(1, 3, cutter(2, 'b'))];
    const own = [a.input({ text: 'abcdef' })];
    expect(alignedTexts(a, b, 'abcdef', own)).toEqual([b.input({ text: 'abcdef' })]);
  });

  test('other cuts are refused by the first that differs', async () => {
    const [a, b] = [cloud(1, 3, cutter(2, 'a')), cloud(1, 3, cutter(3, 'b'))];
    const { error, closed } = await compare(a, b, { texts: 'abcdef\nabcdef' });
    expect(error).toBe(
      "tokens do not correspond: text 1 is 3 tokens of 'cuts of 2' and 2 of 'cuts of 3', whose token 0 is 'ab' in the one and 'abc' in the other, so that no point of the one is one of the other"
    );
    expect(closed).toBe(1);
  });

  test('a text that goes on in the second is refused, too', () => {
    const [a, b] = [cloud(1, 3, cutter(2, 'a')), cloud(1, 3, cutter(2, 'b'))];
    const longer = { ...b, tokens: { ...b.tokens!, encode: (text: string) => b.tokens!.encode(`${text}gh`) } };
    expect(() => alignedTexts(a, longer, 'abcdef', [])).toThrow('3 tokens of');
  });

  test('without two tokenizers the vocabularies must be of one size', async () => {
    const small = cloud(1, 3, { tower: { ...cloud(1, 3).tower, dVocab: 99 } });
    const { error } = await compare(cloud(1, 3), small);
    expect(error).toContain("vocabularies differ: 'fake' has 100 tokens, 'fake' 99");
  });
});

describe('refusals and hostile results', () => {
  test('a second model whose stream cannot be read; one that nothing opens; a blank name is none', async () => {
    const without = cloud(1, 3, { tower: { ...cloud(1, 3).tower, layers: 0 } });
    expect((await compare(cloud(1, 3), without)).error).toContain(
      "representation similarity is not possible with 'fake': no attention layer"
    );
    await expect(representationSimilarity.compute(cloud(1, 3), spec({}), quiet, 0)).rejects.toThrow(
      "other model not opened: nothing opens 'second' here"
    );
    const alone = await representationSimilarity.compute(cloud(1, 3), spec({ other: ' ' }), quiet, 0);
    expect(alone.other).toBeNull();
  });

  test('maps of a second model that do not agree', async () => {
    const { result } = await compare(cloud(1, 3), cloud(3, 5));
    const broken = (other: Partial<NonNullable<RepresentationSimilarity['other']>>) => () =>
      representationSimilarity.validateResult({ ...result, other: { ...result!.other, ...other } });
    expect(broken({ kept: [1] })).toThrow('result.other.kept places');
    expect(broken({ values: { ...result!.other!.values, shape: [1, 2, 8] } })).toThrow('result.other.values maps');
    expect(broken({ values: { ...result!.other!.values, shape: [2, 8, 1] } })).toThrow('result.other.values places');
  });
});
