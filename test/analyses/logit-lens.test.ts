import { lensReading, outputOf, predictionDepth } from '../../src/analyses/lens/lens-rows';
import { logitLens } from '../../src/analyses/lens/logit-lens';
import { decodeTensor } from '../../src/analyses/tensor-codec';
import { validateSpec } from '../../src/analyses/spec/validate-spec';
import type { TableFigure } from '../../src/figures/figure';
import { lcg } from '../maths/lcg';
import type { Fake } from './fake-subject';
import { context, fakeSubject } from './fake-subject';

const WIDTH = 6;
const VOCABULARY = 9;
const UNEMBEDDING = numbers(1, WIDTH * VOCABULARY);

function numbers(seed: number, count: number): Float32Array {
  const stream = lcg(seed);
  return Float32Array.from({ length: count }, () => stream.normal());
}

/** x·W_U, no norm. */
function unembed({ dims, data }: { dims: readonly number[]; data: ArrayLike<number | bigint> }): Float32Array {
  const rows = dims[1];
  return Float32Array.from({ length: rows * VOCABULARY }, (_, i) => {
    const [row, token] = [Math.floor(i / VOCABULARY), i % VOCABULARY];
    let sum = 0;
    for (let d = 0; d < WIDTH; d++) {
      sum += Number(data[row * WIDTH + d]) * UNEMBEDDING[d * VOCABULARY + token];
    }
    return sum;
  });
}

const residual = (name: string, length: number): Float32Array =>
  numbers(name.includes('resid_pre') ? 10 : name.includes('blocks.1') ? 12 : 11, length * WIDTH);

const subjectOf = (parts: Partial<Fake> = {}): ReturnType<typeof fakeSubject> =>
  fakeSubject({
    layers: 2,
    heads: 1,
    vocabulary: VOCABULARY,
    tensor: (name, ids) =>
      name === 'logits'
        ? {
            dims: [ids.length, VOCABULARY],
            data: unembed({ dims: [1, ids.length, WIDTH], data: residual('blocks.1.hook_resid_post', ids.length) })
          }
        : { dims: [ids.length, WIDTH], data: residual(name, ids.length) },
    unembed: one => ({ dims: [1, one.dims[1], VOCABULARY], type: 'float32', data: unembed(one) }),
    ...parts
  });

const run = async (spec: object, parts: Partial<Fake> = {}): ReturnType<typeof logitLens.compute> =>
  logitLens.compute(subjectOf(parts), validateSpec(logitLens, spec), context, 0);

describe('logit-lens', () => {
  test('the last row is the output itself: KL exactly 0, rank 1', async () => {
    const result = await run({ ids: [3, 1, 4, 1] });
    expect(result.values.shape).toEqual([3, 4, 5]);
    expect([...decodeTensor(result.kl).subarray(8)]).toEqual([0, 0, 0, 0]);
    expect([...decodeTensor(result.rank).subarray(8)]).toEqual([1, 1, 1, 1]);
    expect(
      decodeTensor(result.kl)
        .subarray(0, 8)
        .every(value => value > 0)
    ).toBe(true);
    expect(result.outputError).toBe(0);
  });

  test('a lens that does not reproduce the output is an error', async () => {
    const broken = {
      unembed: () => ({ dims: [1, 4, VOCABULARY], type: 'float32' as const, data: new Float32Array(36) })
    };
    await expect(run({ ids: [3, 1, 4, 1] }, broken)).rejects.toThrow("differs from the model's output");
  });

  test('chosen positions are read, and the last ones where not all fit', async () => {
    const chosen = await run({ ids: [3, 1, 4, 1], positions: [3, 1] });
    const all = await run({ ids: [3, 1, 4, 1] });
    expect(chosen.positions).toEqual([1, 3]);
    const [few, full] = [decodeTensor(chosen.entropy), decodeTensor(all.entropy)];
    expect([...few]).toEqual([1, 3, 5, 7, 9, 11].map(i => full[i]));
    const long = await run({ ids: new Array(300).fill(2), topK: 9 });
    expect([long.positions.length, long.positions[0]]).toEqual([222, 78]);
    await expect(run({ ids: [1], positions: [1] })).rejects.toThrow("field 'positions' names 1");
    const many = Array.from({ length: 250 }, (_, i) => i);
    await expect(run({ ids: new Array(300).fill(2), topK: 9, positions: many })).rejects.toThrow('at most 222 fit');
  });

  test('a cancel that arrives while unembeddings run is heard', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort());
    let unembeddings = 0;
    const subject = subjectOf({
      layers: 20,
      unembed: one => {
        unembeddings++;
        return { dims: [1, one.dims[1], VOCABULARY], type: 'float32', data: unembed(one) };
      }
    });
    const spec = validateSpec(logitLens, { ids: [1, 2] });
    await expect(logitLens.compute(subject, spec, { ...context, signal: controller.signal }, 0)).rejects.toThrow();
    expect(unembeddings).toBeLessThan(20);
  });

  test('a reading: probabilities, entropy, divergence, rank', () => {
    const { ids, probabilities, kl, entropy, rank } = lensReading(
      Float32Array.from([0, Math.log(3)]),
      outputOf(Float32Array.from([Math.log(3), 0])),
      2
    );
    expect(ids).toEqual([1, 0]);
    expect(probabilities).toEqual([expect.closeTo(0.75, 6), expect.closeTo(0.25, 6)]);
    // ¾ ln 3 − ¼ ln 3, and −¾ ln ¾ − ¼ ln ¼.
    expect(kl).toBeCloseTo(Math.log(3) / 2, 6);
    expect(entropy).toBeCloseTo(0.562335, 6);
    expect(rank).toBe(2);
  });

  test('prediction depth', () => {
    expect([predictionDepth([1, 2, 3, 3]), predictionDepth([3, 1, 3]), predictionDepth([5, 5, 5])]).toEqual([2, 2, 0]);
  });

  test('draws a table with the output on top; labels stay plain text', async () => {
    const result = await run({ ids: [0, 1, 2] }, { labels: id => (id ? `t${id}` : '"><script>') });
    const spec = validateSpec(logitLens, { colour: 'kl' });
    const [figure] = logitLens.figures(result, spec) as TableFigure[];
    expect(figure.rows.map(row => row.label)).toEqual(['1 = output', '0', 'embedding']);
    expect(figure.columns[0].label).toBe('0 "><script>');
    expect(figure.rows[0].cells.every(cell => cell.bold && cell.shade === 0)).toBe(true);
    expect(figure.rows[0].cells[0].detail).toHaveLength(7);
    expect(logitLens.summary(result, spec).split('\n').length).toBeLessThanOrEqual(40);
    expect(figure.alt.length).toBeLessThanOrEqual(250);
  });

  test('refuses a model without an unembedding', () => {
    expect(logitLens.refuses(subjectOf())).toBeUndefined();
    expect(logitLens.refuses(subjectOf({ head: false }))).toContain('model without unembedding');
  });

  test('a damaged saved result is refused', async () => {
    const result = JSON.parse(JSON.stringify(await run({ ids: [3, 1, 4] })));
    expect(logitLens.validateResult(result)).toEqual(result);
    expect(() => logitLens.validateResult({ ...result, positions: [0, 1, 7] })).toThrow('beyond the 3 tokens');
    expect(() => logitLens.validateResult({ ...result, kl: result.values })).toThrow(
      "'result.kl.shape' must be a list of at most 2"
    );
    expect(() => logitLens.validateResult({ ...result, depth: [] })).toThrow("'result.depth'");
  });
});
