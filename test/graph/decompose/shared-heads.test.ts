import { text } from '../../../src/graph/attributes';
import { createBuilder, makeModel, untyped } from '../../../src/graph/build';
import { sharedHeads } from '../../../src/graph/decompose/shared-heads';
import { toFloat64 } from '../../../src/onnx/decode-tensor';
import type { Model } from '../../../src/onnx/model';
import type { Tensor } from '../../../src/onnx/tensor';
import { draws, run } from './forms';

/** float32: sums of 4 to 6 products in another order, and a softmax. */
const TOLERANCE = 1e-6;

const { floats } = draws(21);
const SIZES: Readonly<Record<string, number>> = { b: 2, h: 3, q: 5, k: 6, d: 4 };
const drawn = (letters: string): Tensor => floats(...[...letters].map(letter => SIZES[letter]));

/** softmax(queries · keys) · values by two equations. */
const attention = (scores: string, values: string): { model: Model; feeds: Record<string, Tensor> } => {
  const builder = createBuilder();
  const feeds: Record<string, Tensor> = {};
  const fed = (name: string, letters: string): string => {
    feeds[name] = drawn(letters);
    return builder.input(name, 'float32', feeds[name].dims);
  };
  const terms = (equation: string): string[] => equation.split('->')[0].split(',');
  const [left, right] = terms(scores).map((letters, i) => fed(`operand${i}`, letters));
  const product = builder.node('Einsum', [left, right], [text('equation', scores)]);
  const pattern = builder.node('Softmax', [product]);
  const operands = terms(values).map(letters => (letters.length === 4 ? pattern : fed('values', letters)));
  builder.output(untyped(builder.node('Einsum', operands, [text('equation', values)], { hint: 'z' })));
  return { model: makeModel(builder.graph('shared'), 17), feeds };
};

const opTypes = ({ graph }: Model): string[] => graph.nodes.map(({ opType }) => opType);

test.each([
  ['bqhd,bkd->bhqk', 'bhqk,bkd->bqhd'],
  ['bhqd,bkd->bhqk', 'bhqk,bkd->bhqd'],
  ['bkd,bqhd->bhqk', 'bkd,bhqk->bqhd'],
  ['bqhd,bdk->bhqk', 'bhqk,bdk->bqhd'],
  ['hbqd,kbd->bhqk', 'bhqk,kbd->qbhd']
])('%s, then %s: the same numbers without an Einsum', async (scores, values) => {
  const { model, feeds } = attention(scores, values);
  const taken = sharedHeads(model);
  expect(opTypes(taken)).not.toContain('Einsum');
  const [before, after] = [(await run(model, feeds)).z, (await run(taken, feeds)).z];
  expect(after.dims).toEqual(before.dims);
  const wanted = toFloat64(before);
  toFloat64(after).forEach((value, i) => expect(Math.abs(value - wanted[i])).toBeLessThan(TOLERANCE));
});

test.each([
  ['heads of keys of their own', 'bqhd,bkhd->bhqk', 'bhqk,bkhd->bqhd'],
  ['an ellipsis', '...qhd,...kd->...hqk', '...hqk,...kd->...qhd']
])('%s: the model stays the same object', (_, scores, values) => {
  const builder = createBuilder();
  const inputs = ['a', 'b', 'c'].map(name => builder.input(name, 'float32'));
  const product = builder.node('Einsum', inputs.slice(0, 2), [text('equation', scores)]);
  const pattern = builder.node('Softmax', [product]);
  builder.output(untyped(builder.node('Einsum', [pattern, inputs[2]], [text('equation', values)])));
  const model = makeModel(builder.graph('other'), 17);
  expect(sharedHeads(model)).toBe(model);
});

test('a layer, whose weight all rows share, is none', () => {
  const builder = createBuilder();
  const weight = builder.tensor('w', floats(2, 6, 4));
  builder.output(
    untyped(builder.node('Einsum', [builder.input('x', 'float32'), weight], [text('equation', 'bqhd,bkd->bhqk')]))
  );
  const model = makeModel(builder.graph('layer'), 17);
  expect(sharedHeads(model)).toBe(model);
});
