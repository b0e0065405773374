import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { lipschitzConstant } from '../../../src/analyses/geometry/lipschitz-constant';
import { profileRows } from '../../../src/analyses/geometry/profile';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import { attentionJacobian } from '../../../src/maths/attention-jacobian';
import { linearAlgebra } from '../../../src/maths/linear-algebra';
import { open, openFile, run } from '../circuits/lens';
import { context } from '../fake-subject';
import { lcg } from '../../maths/lcg';

/** What test/fixtures/lipschitz.py wrote. */
const ORACLE = JSON.parse(readFileSync(join(__dirname, '../../fixtures/analyses/lipschitz.json'), 'utf8')) as Readonly<
  Record<string, { ids: number[]; constants: number[][]; growth: number[] }>
>;

// From below by Lanczos steps that end at a change of 1e-5; queries and patterns of the file are in single precision.
const RELATIVE = 1e-3;
const GROWTH = 2e-3;

test.each(Object.entries(ORACLE))(
  '%s: the local constant as autograd’s Jacobian has it, between a direction and the bound',
  async (family, { ids, constants, growth }) => {
    const subject = await open(family, 'optimum');
    const result = await run(lipschitzConstant, subject, { ids });
    const [direction, local, bound, exponent] = profileRows(result.values);
    expect(result.lengths).toEqual([2, 4, 8, 16]);
    constants[3].forEach((value, layer) => {
      expect(local[layer + 1] / value).toBeGreaterThan(1 - RELATIVE);
      expect(local[layer + 1] / value).toBeLessThan(1 + RELATIVE);
      expect(direction[layer + 1]).toBeLessThan(value);
      expect(bound[layer + 1]).toBeGreaterThan(value);
      expect(Math.abs(exponent[layer + 1] - growth[layer])).toBeLessThan(GROWTH);
    });
    expect([direction, local, bound, exponent].map(row => row[0])).toEqual([NaN, NaN, NaN, NaN]);
    const spec = validateSpec(lipschitzConstant, { ids });
    expect(lipschitzConstant.figures(result, spec)).toHaveLength(2);
    expect(lipschitzConstant.summary(result, spec)).toContain('16 tokens, growth over the first 2, 4, 8, 16');
    await subject.close();
  }
);

test('short texts have no exponent; one token is refused', async () => {
  const subject = await open('gpt2', 'optimum');
  const result = await run(lipschitzConstant, subject, { ids: [3, 1, 4] });
  expect(profileRows(result.values)[3]).toEqual([NaN, NaN, NaN]);
  expect(lipschitzConstant.figures(result, validateSpec(lipschitzConstant, {}))).toHaveLength(1);
  await expect(run(lipschitzConstant, subject, { ids: [3] })).rejects.toThrow(
    'lipschitz constant: needs at least 2 tokens, got 1'
  );
  await subject.close();
});

test.each(['albert', 'electra', 'nemotron', 'esm'])('%s: attention that bends within the first step', async family => {
  const subject = await openFile(family, 'dynamo');
  const { values } = await run(lipschitzConstant, subject, { ids: Array.from({ length: 24 }, (_, at) => at) });
  const [direction, local, bound] = profileRows(values);
  local.slice(1).forEach((value, at) => {
    expect(direction[at + 1]).toBeLessThan(value);
    expect(bound[at + 1]).toBeGreaterThan(value);
  });
  await subject.close();
});

test('a scale that is not the graph’s is found out by finite differences', async () => {
  const subject = await open('gpt2', 'optimum');
  const blocks = subject.tower.blocks.map(block => ({ ...block, attention: { ...block.attention, scale: 0.7 } }));
  await expect(
    run(lipschitzConstant, { ...subject, tower: { ...subject.tower, blocks } }, { ids: [3, 1, 4, 1, 5] })
  ).rejects.toThrow(
    /^attention of layer 1 not understood: along a random direction its Jacobian by the weights is off by/
  );
  await subject.close();
});

test('normalised queries are refused by name', async () => {
  const subject = await openFile('qwen3', 'optimum');
  expect(lipschitzConstant.refuses(subject)).toBe('layer 0 normalises its queries and keys');
  await subject.close();
});

test('a cancel is heard; shuffled models are measured with their own weights', async () => {
  const subject = await open('llama', 'optimum');
  const control = new AbortController();
  const progress = ({ label }: { readonly label: string }): void => {
    if (label.startsWith('layer 1')) {
      control.abort();
    }
  };
  const spec = validateSpec(lipschitzConstant, { ids: [3, 1, 4, 1, 5], baseline: 1 });
  await expect(lipschitzConstant.compute(subject, spec, { signal: control.signal, progress }, 0)).rejects.toThrow(
    /abort/
  );
  const { baseline, values } = await lipschitzConstant.compute(subject, spec, context, 0);
  expect(baseline?.shape).toEqual([1, 4, 3]);
  expect(baseline?.data).not.toBe(values.data);
  await subject.close();
});

test('the Jacobian and its transpose are one map: ⟨u, Jv⟩ = ⟨Jᵀu, v⟩', async () => {
  const algebra = await linearAlgebra();
  const { normal } = lcg(3);
  const [tokens, heads, kvHeads, width, dModel] = [5, 4, 2, 3, 7];
  const draw = (count: number): Float64Array => new Float64Array(count).map(() => normal());
  const pattern = draw(heads * tokens * tokens).map(Math.abs);
  const columns = (heads + 2 * kvHeads) * width;
  const jacobian = attentionJacobian(
    {
      ...{ tokens, heads, kvHeads, width, scale: 0.4, pattern },
      reads: { rows: dModel, columns, data: draw(dModel * columns) },
      writes: { rows: heads * width, columns: dModel, data: draw(heads * width * dModel) },
      q: draw(tokens * heads * width),
      k: draw(tokens * kvHeads * width),
      v: draw(tokens * kvHeads * width),
      rotations: {
        queries: Array.from({ length: tokens }, () => draw(width * width)),
        keys: Array.from({ length: tokens }, () => draw(width * width))
      }
    },
    algebra
  );
  const [u, v] = [draw(tokens * dModel), draw(tokens * dModel)];
  const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i], 0);
  expect(dot(u, jacobian.apply(v))).toBeCloseTo(dot(jacobian.applyTransposed(u), v), 9);
});
