import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Anatomy } from '../../src/anatomy/anatomy';
import { recognise } from '../../src/anatomy/recognise';
import { toFloat64 } from '../../src/onnx/decode-tensor';
import type { Model } from '../../src/onnx/model';
import { readSafetensors } from '../../src/onnx/safetensors';
import type { Tensor } from '../../src/onnx/tensor';
import type { Weights } from '../../src/onnx/weights';
import { scramble } from '../fixtures/scramble';
import { certified } from './certificate';
import { fixtures, openModel, type Facts } from './fixtures';
import { runHooks } from './run';

/** float32 through two layers against PyTorch's, relative to the largest value of the hook: rounding is near 1e-6. */
const TOLERANCE = 2e-5;
/** The oracle has −∞ where masked, files have −3.4e38 or −∞: there only the place is compared. */
const MASKED = -1e30;

const deviation = (got: Tensor, want: Tensor): number => {
  const [a, b] = [toFloat64(got), toFloat64(want)];
  const masked = b.map((x, i) => (x < MASKED ? (a[i] < MASKED ? 1 : NaN) : 0));
  const largest = b.reduce((most, x, i) => (masked[i] ? most : Math.max(most, Math.abs(x))), 0);
  return b.reduce((worst, x, i) => Math.max(worst, masked[i] ? masked[i] - 1 : Math.abs(x - a[i])), 0) / largest;
};

const expectedOf = (family: string): Map<string, Tensor> => {
  const name = 'expected.safetensors';
  return readSafetensors(readFileSync(join(__dirname, '../fixtures/models', family, name)), name);
};

/** An own output of the model goes by the name that the oracle has for it. */
const checkHooks = async (
  { model, weights, anatomy }: { model: Model; weights: Weights; anatomy: Anatomy },
  { ids, hooks }: Facts,
  expected: ReadonlyMap<string, Tensor>,
  prefix: string,
  own: (name: string) => string
): Promise<void> => {
  const cache = await runHooks(model, weights, anatomy, ids);
  for (const name of hooks) {
    const got = cache.get(name) ?? cache.get(own(name));
    const want = expected.get(prefix + name)!;
    expect({ name, dims: got?.dims }).toEqual({ name, dims: want.dims });
    expect({ name, within: deviation(got!, want) <= TOLERANCE }).toEqual({ name, within: true });
  }
};

const idsOf = (tensor: Tensor): number[][] => {
  const [rows, length] = tensor.dims;
  const flat = Array.from(toFloat64(tensor));
  return Array.from({ length: rows }, (_, row) => flat.slice(row * length, (row + 1) * length));
};

const rows = fixtures().map(fixture => [`${fixture.family}/${fixture.style}`, fixture] as const);

describe.each(rows)('%s', (_, { family, style, facts }) => {
  const plain = openModel(family, style);
  const versions = {
    'as exported': { ...plain, renamed: (name: string) => name },
    'names randomised, nodes re-ordered': scramble(plain.model, plain.weights, 7)
  };

  test.each(Object.entries(versions))('%s: facts', (_version, { model, weights }) => {
    const { towers, refusals, unresolved } = recognise(model, weights);
    expect({ refusals, unresolved, towers: towers.length }).toEqual({ refusals: [], unresolved: [], towers: 1 });
    const [{ blocks, embedding, finalNorm, head, ...tower }] = towers;
    expect(tower).toEqual(facts.tower);
    expect(blocks).toHaveLength(facts.tower.layers);
    expect(embedding).toBeDefined();
    expect(finalNorm !== undefined).toBe(facts.tower.norm.placement === 'pre');
    expect(head === undefined).toBe(facts.tower.dVocab === null);
  });

  test.each(Object.entries(versions))(
    '%s: every hook has the oracle’s values',
    async (_version, { model, weights, renamed }) => {
      const anatomy = recognise(model, weights);
      const expected = expectedOf(family);
      await checkHooks({ model, weights, anatomy }, facts, expected, '', renamed);
      const ids = expected.get('batch2/ids');
      if (ids) {
        await checkHooks({ model, weights, anatomy }, { ...facts, ids: idsOf(ids) }, expected, 'batch2/', renamed);
      }
    }
  );

  test.each(Object.entries(versions))(
    '%s: every identity holds, every hook is verified',
    async (_version, { model, weights }) => {
      const { certificate, anatomy } = await certified(model, weights, recognise(model, weights));
      expect(certificate.identities.filter(({ holds }) => !holds)).toEqual([]);
      expect(anatomy.hooks.filter(({ status }) => status !== 'verified')).toEqual([]);
    }
  );
});
