import { recognise } from '../../src/anatomy/recognise';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import { shuffleWeights } from '../../src/subject/weights/shuffle-weights';
import type { Subject } from '../../src/subject/subject';
import { openModel as readFixture } from '../anatomy/fixtures';
import { fixtureFiles, quiet } from './fixture-files';

const FAMILIES = ['gpt2', 'llama', 'bert'];
const HOOK = 'blocks.1.attn.hook_pattern';

describe.each(FAMILIES)('%s', family => {
  test('entries of matrices change their places, nothing else changes', async () => {
    const { model, weights } = readFixture(family, 'optimum');
    const { towers } = recognise(model, weights);
    const made = await shuffleWeights({ model, weights }, towers, 1, quiet);
    const q = towers[0].blocks.map(({ attention }) => attention.q.weight!);
    const floats = (name: string, from: typeof weights): number[] => {
      const { bytes } = from.get(name)!;
      return Array.from(new Float32Array(bytes.slice().buffer));
    };
    const changed = [...weights.names()].filter(name => `${floats(name, weights)}` !== `${floats(name, made.weights)}`);
    expect(changed).toEqual(expect.arrayContaining([...q, towers[0].embedding!.weight!]));
    const ordered = (values: number[]): number[] => [...values].sort((a, b) => a - b);
    changed.forEach(name => {
      expect(weights.get(name)!.dims).toHaveLength(2);
      expect(ordered(floats(name, made.weights))).toEqual(ordered(floats(name, weights)));
    });
    // Layers are drawn apart, and by a uniform order: 0 of n! orders keeps more than a few places.
    const kept = floats(q[0], made.weights).filter((value, at) => value === floats(q[0], weights)[at]).length;
    expect(kept).toBeLessThan(16);
    expect(made.weights.get(q[0])!.dataType).toBe(weights.get(q[0])!.dataType);
  });

  test('a seed draws a model, another seed another one; the subject stays as it is', async () => {
    const subject = await openModel(fixtureFiles(family, 'optimum.onnx'), createNodeRuntime(), quiet);
    const run = async (forward: Subject['forward']) =>
      Array.from((await forward({ ids: [[3, 1, 4, 1, 5]], hooks: [HOOK] }, quiet)).get(HOOK).data as Float32Array);
    const before = await run(subject.forward);
    const drawn: number[][] = [];
    for (const seed of [1, 1, 2]) {
      const made = await subject.shuffled(seed, quiet);
      drawn.push(await run(made.forward));
      await made.release();
    }
    expect(drawn[0]).toEqual(drawn[1]);
    expect(drawn[0]).not.toEqual(drawn[2]);
    expect(drawn[0]).not.toEqual(before);
    expect(await run(subject.forward)).toEqual(before);
    for (let row = 0; row < before.length; row += 5) {
      expect(drawn[0].slice(row, row + 5).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    }
    await subject.close();
  });
});

test('interventions act on the shuffled model, not on the subject', async () => {
  const subject = await openModel(fixtureFiles('gpt2', 'optimum.onnx'), createNodeRuntime(), quiet);
  const made = await subject.shuffled(5, quiet);
  const hook = 'blocks.0.hook_resid_post';
  const request = { ids: [[3, 1, 4]], hooks: [hook] };
  const [plain, same] = await Promise.all(
    [undefined, { list: [{ hook: 'blocks.0.hook_attn_out', op: 'scale', value: 1 }] } as const].map(
      async interventions =>
        (await made.forward({ ...request, ...(interventions && { interventions }) }, quiet)).get(hook).data
    )
  );
  expect(same).toEqual(plain);
  await made.release();
  await subject.close();
});

test('a cancel stops it, and a matrix that is not stored is refused by name', async () => {
  const { model, weights } = readFixture('gpt2', 'optimum');
  const { towers } = recognise(model, weights);
  const stop = new AbortController();
  stop.abort();
  await expect(shuffleWeights({ model, weights }, towers, 1, { ...quiet, signal: stop.signal })).rejects.toThrow(
    /abort/
  );
  const [tower] = towers;
  const [block] = tower.blocks;
  const strange = { ...block, attention: { ...block.attention, q: { ...block.attention.q, weight: 'dequantised' } } };
  await expect(shuffleWeights({ model, weights }, [{ ...tower, blocks: [strange] }], 1, quiet)).rejects.toThrow(
    "weights not shuffled: 'dequantised' is computed by the graph"
  );
});
