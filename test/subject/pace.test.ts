import { createNodeRuntime } from '../../src/runtime/node';
import type { Runtime } from '../../src/runtime/runtime';
import { openModel } from '../../src/subject/opening/open-model';
import { createPace, MOST } from '../../src/subject/sweeps/pace';
import { fixtureFiles, quiet } from './fixture-files';

describe('sizes of runs by measuring', () => {
  test('the guess until something was measured, never more than is of use', () => {
    expect(createPace(79).size('tokens')).toBe(79);
    expect(createPace(1e6).size('tokens')).toBe(MOST.tokens);
    expect(createPace(79).size('grid')).toBe(MOST.grid);
  });

  test('the slowest piece says how many fit into 200 ms; a later run of it says better', () => {
    const pace = createPace(384);
    pace.record('tokens', 'project', 384, 300);
    expect(pace.size('tokens')).toBe(256);
    pace.record('tokens', 'mlp', 256, 512);
    expect(pace.size('tokens')).toBe(100);
    // Small runs cost more than their tokens: not looked at, unless they take long.
    pace.record('tokens', 'mlp', 3, 30);
    expect(pace.size('tokens')).toBe(100);
    pace.record('tokens', 'mlp', 3, 600);
    expect(pace.size('tokens')).toBe(1);
    pace.record('tokens', 'mlp', 1, 1);
    expect(pace.size('tokens')).toBe(200);
    pace.record('tokens', 'mlp', 200, 20);
    expect(pace.size('tokens')).toBe(256);
    expect(pace.size('grid')).toBe(MOST.grid);
  });

  test('a piece that has small runs alone is not judged by its first one for ever', () => {
    const pace = createPace(384);
    pace.record('tokens', 'last', 1, 4);
    expect(pace.size('tokens')).toBe(50);
    pace.record('tokens', 'last', 5, 4);
    expect(pace.size('tokens')).toBe(250);
    pace.record('tokens', 'last', 40, 5);
    expect(pace.size('tokens')).toBe(MOST.tokens);
    pace.record('tokens', 'last', 2, 4);
    expect(pace.size('tokens')).toBe(MOST.tokens);
  });
});

test('on a slow machine runs become short, and a cancel is heard', async () => {
  const native = createNodeRuntime();
  const runs: number[] = [];
  const controller = new AbortController();
  let cancelled = Infinity;
  // 3 ms a token: a run of 384 would take more than a second.
  const slow: Runtime = {
    ...native,
    prepare: async (model, weights) => {
      const prepared = await native.prepare(model, weights);
      if (!/^(project|output|mlp) of block/.test(model.graph.name)) {
        return prepared;
      }
      return {
        ...prepared,
        run: async (feeds, fetches) => {
          const [rows, length] = feeds[prepared.inputs[0]].dims;
          if (runs.length === 14) {
            cancelled = performance.now();
            controller.abort();
          }
          await new Promise(resolve => setTimeout(resolve, 3 * rows * length));
          const results = await prepared.run(feeds, fetches);
          runs.push(rows * length);
          return results;
        }
      };
    }
  };
  const subject = await openModel(fixtureFiles('gpt2', 'optimum.onnx'), slow, quiet);
  const [ids, other] = [5, 7].map(step => Array.from({ length: 24 }, (_, at) => (3 + step * at) % 20));
  const patches = Array.from({ length: 40 }, (_, at) => ({ hook: 'blocks.0.hook_resid_pre', pos: [at % 24] }));
  const swept = subject.sweep(
    {
      base: [ids],
      source: { kind: 'run', ids: [other] },
      patches,
      readout: { positions: [[23]], columns: [[1, 2]], value: logits => logits[0] - logits[1] }
    },
    { ...quiet, signal: controller.signal }
  );
  await expect(swept).rejects.toThrow(/abort/i);
  expect(performance.now() - cancelled).toBeLessThan(600);
  // Those of the check before, of 36 tokens each, were what was measured.
  const later = runs.slice(6);
  expect(later.length).toBe(9);
  expect(Math.max(...later)).toBeLessThanOrEqual(66);
  expect(Math.max(...later)).toBeGreaterThan(24);
  await subject.close();
});
