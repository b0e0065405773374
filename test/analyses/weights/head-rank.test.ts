import { matrices } from '../../../src/analyses/attention/head-values';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import { headRank } from '../../../src/analyses/weights/head-rank';
import { open, run } from '../circuits/lens';
import { fakeSubject } from '../fake-subject';
import { MODELS, oracle } from '../geometry/oracle';

const { families } = oracle<{ families: Record<string, { ids: number[][]; heads: number[][][] }> }>();

// Singular values by QR of the factors here, of the product there; results are stored in single precision.
const RELATIVE = 1e-6;

test.each(MODELS)(
  '%s/%s.onnx: ranks as by numpy, of TransformerLens’s weights and Hugging Face’s queries and keys',
  async (family, style) => {
    const subject = await open(family, style);
    const { ids, heads } = families[family];
    const result = await run(headRank, subject, { ids: ids[0] });
    const found = matrices(result.values);
    heads.forEach((row, layer) =>
      row.forEach((expected, head) =>
        expected.forEach((value, m) => expect(Math.abs(found[m][layer][head] / value - 1)).toBeLessThan(RELATIVE))
      )
    );
    // 12 tokens, heads of 8 dimensions: the bottleneck is reached, and not passed.
    expect(Math.max(...found[4].flat())).toBe(8);
    expect(result.shuffled.every(value => value > 1 && value <= 8)).toBe(true);
    const [figure] = headRank.figures(result, validateSpec(headRank, { ids: ids[0] }));
    expect(figure.caption).toContain('d_head = 8 for each map; the text has 12 tokens, more than that');
    expect(headRank.summary(result, validateSpec(headRank, {}))).toContain('QK effective rank: lowest L');
    await subject.close();
  }
);

test('a model without the weights or hooks is refused by name; so is a saved result of another size', async () => {
  expect(headRank.refuses(fakeSubject({ layers: 1, heads: 1 }))).toBe(
    'the weight W_Q is not stored as numbers that are understood'
  );
  const subject = await open('gpt2', 'optimum');
  const result = await run(headRank, subject, { ids: [1, 2] });
  expect(
    matrices(result.values)[4]
      .flat()
      .every(rank => rank <= 2)
  ).toBe(true);
  expect(() => headRank.validateResult({ ...result, shuffled: [1] })).toThrow("'result.shuffled': 1 where 4 belong");
  await subject.close();
});
