import { join } from 'node:path';

import { decodeTensor } from '../../src/analyses/tensor-codec';
import { folderFiles } from '../../src/cli/folder-files';
import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import { Cancelled, ModelClient } from '../../src/worker/client';
import type { ModelSource } from '../../src/worker/protocol';
import { serve } from '../../src/worker/serve';
import { FakeWorker } from './port';

interface Swept {
  readonly done: number;
  readonly values: Parameters<typeof decodeTensor>[0];
}

const FOLDER = join(__dirname, '../fixtures/models/gpt2-hub');
const SOURCE: ModelSource = { label: 'gpt2-hub', files: [], headers: {} };
const IDS = { ids: [1, 2, 3, 4, 5] };

/** A client on workers of this thread that open the tiny GPT-2 of the fixtures. */
function setUp({
  source = async () => SOURCE,
  free = Infinity
}: { source?: () => Promise<ModelSource>; free?: number } = {}) {
  const workers: FakeWorker[] = [];
  let changes = 0;
  let opens = 0;
  const createWorker = (): FakeWorker => {
    const worker = new FakeWorker(send =>
      serve({
        send,
        heapBytes: () => 4096,
        read: async () => new Uint8Array(0),
        open: async (_, __, context) => {
          opens++;
          const runtime = { ...createNodeRuntime(), room: () => ({ bytes: free, of: "of the worker's memory" }) };
          return openModel(await folderFiles(FOLDER), runtime, context);
        }
      })
    );
    workers.push(worker);
    return worker;
  };
  const client = new ModelClient({ createWorker, assets: { wasm: '', mjs: '' }, source, onChange: () => changes++ });
  return { client, workers, changes: () => changes, opens: () => opens };
}

describe('one model behind its port', () => {
  test('a second model is opened for an analysis that names one', async () => {
    const { client, opens } = setUp();
    const spec = { ...IDS, other: 'models/second', batch: 1, length: 4 };
    const { result } = await client.run('head-comparison', spec, 0, {
      others: async () => [{ path: 'models/second', source: SOURCE }]
    });
    expect(result).toMatchObject({ models: [{ label: 'gpt2-hub' }, { label: 'gpt2-hub' }], logits: { agreement: 1 } });
    expect(opens()).toBe(2);
    await expect(client.run('head-comparison', spec, 0)).rejects.toThrow("nothing opens 'models/second' here");
  });

  test('nothing is made before the first use, then one worker serves all', async () => {
    const { client, workers, changes } = setUp();
    expect(workers).toHaveLength(0);
    const [first, second] = await Promise.all([client.open(), client.open()]);
    expect(first).toBe(second);
    expect(workers).toHaveLength(1);
    expect(first.facts.label).toBe('gpt2-hub');
    expect(client.state).toBe('open');
    expect(client.heapBytes).toBe(4096);
    expect(changes()).toBeGreaterThan(0);
  });

  test('a run tells partial results, and goes on from one', async () => {
    const { client } = setUp();
    const prompts = [{ clean: [1, 2, 3, 4], corrupted: [1, 5, 3, 4], answer: { correct: [6], wrong: [7] } }];
    const spec = { prompts, by: 'head-and-position', normalise: false };
    const clock = jest.spyOn(performance, 'now');
    let time = 0;
    clock.mockImplementation(() => (time += 1000));
    const partials: { done: number }[] = [];
    const whole = await client.run('activation-patching', spec, 0, {
      onPartial: result => partials.push(result as { done: number })
    });
    clock.mockRestore();
    const { done } = whole.result as { done: number };
    expect(done).toBe(32);
    expect(partials.length).toBeGreaterThan(2);
    expect(partials[0].done).toBeLessThan(done);
    const labels: string[] = [];
    const rest = await client.run('activation-patching', spec, 0, {
      earlier: partials[0],
      onProgress: ({ label }) => labels.push(label)
    });
    expect(rest.result).toMatchObject({ done });
    await expect(client.run('activation-patching', spec, 0, { earlier: { values: 1 } })).rejects.toThrow(
      "'result.values'"
    );
  });

  test.each(['activation-patching', 'path-patching', 'ablation'])(
    '%s: a worker killed in mid-sweep loses what it had not told; the next goes on from there',
    async analysis => {
      const { client, workers, opens } = setUp();
      const prompts = [{ clean: [1, 2, 3, 4], corrupted: [1, 5, 3, 4], answer: { correct: [6], wrong: [7] } }];
      const spec = { prompts, ...(analysis === 'activation-patching' && { by: 'head-and-position' }) };
      const whole = (await client.run(analysis, spec, 0)).result as Swept;
      const clock = jest.spyOn(performance, 'now');
      let time = 0;
      clock.mockImplementation(() => (time += 1000));
      let kept: Swept | undefined;
      const killed = client.run(analysis, spec, 0, {
        onPartial: result => {
          kept ??= result as Swept;
          workers[0].die('out of memory');
        }
      });
      await expect(killed).rejects.toThrow("the model's worker stopped (out of memory)");
      clock.mockRestore();
      expect(kept!.done).toBeGreaterThan(0);
      expect(kept!.done).toBeLessThan(whole.done);
      const labels: string[] = [];
      const rest = await client.run(analysis, spec, 0, {
        earlier: kept,
        onProgress: ({ label }) => labels.push(label)
      });
      expect([workers.length, opens()]).toEqual([2, 2]);
      // Only what was missing is made.
      const total = whole.done - kept!.done;
      expect(labels.some(label => label.endsWith(` of ${total}`))).toBe(true);
      const [a, b] = [rest.result as Swept, whole].map(({ values }) => decodeTensor(values));
      expect((rest.result as Swept).done).toBe(whole.done);
      a.forEach((value, cell) => expect(value).toBeCloseTo(b[cell], 4));
    }
  );

  test('texts are split and tensors described while something runs', async () => {
    const { client } = setUp();
    await client.open();
    const order: string[] = [];
    const run = client.run('attention-patterns', IDS, 0).then(() => order.push('run'));
    const [tokens, [weight, logits], list] = await Promise.all([
      client.encode('ab'),
      client.describe(['transformer.wte.weight', 'no such tensor', 'logits']),
      client.initialisers(2)
    ]);
    order.push('quick');
    await run;
    expect(order).toEqual(['quick', 'run']);
    expect(tokens.map(({ start, end }) => [start, end])).toEqual([
      [0, 1],
      [1, 2]
    ]);
    expect(weight).toMatchObject({ from: 'initialiser', shape: [320, 32] });
    expect(logits).toMatchObject({ from: 'node' });
    expect(list.tensors).toHaveLength(2);
    expect(list.omitted).toBeGreaterThan(10);
  });

  test('a run gives what the analysis gives, with progress', async () => {
    const { client } = setUp();
    const labels: string[] = [];
    const { result, seconds } = await client.run('attention-patterns', IDS, 0, {
      onProgress: ({ label }) => labels.push(label)
    });
    expect(seconds).toBeGreaterThan(0);
    expect(labels).toContain('forward 1 of 1');
    expect((result as { values: { shape: number[] } }).values.shape).toEqual([2, 4, 5, 5]);
  });

  test('what would not fit is refused before it runs, with the sizes', async () => {
    const { client } = setUp({ free: 50 });
    await expect(client.run('attention-patterns', IDS, 0)).rejects.toThrow(
      "memory would not suffice: 'attention-patterns' needs 1 MB (1 MB for activations), 1 MB of the worker's memory are free"
    );
  });

  test('the cost is told before the run', async () => {
    const { client } = setUp();
    const cost = await client.cost('attention-patterns', IDS);
    // 2 layers × 4 heads × 5 × 5 weights of 4 bytes
    expect(cost).toEqual({ forwards: 1, bytes: 2 * 4 * 25 * 4 });
  });

  test('an error is the sentence of the analysis', async () => {
    const { client } = setUp();
    await expect(client.run('logit-lens', { ids: [99999] }, 0)).rejects.toThrow(/99999/);
    await expect(client.run('no-such', IDS, 0)).rejects.toThrow("unknown analysis 'no-such'");
    await expect(client.run('head-scores', { batch: 'many' }, 0)).rejects.toThrow(/batch/);
  });

  test('a run can be cancelled while it waits; the next one goes on', async () => {
    const { client } = setUp();
    await client.open();
    const controller = new AbortController();
    const first = client.run('head-scores', { batch: 4, length: 10 }, 0);
    const second = client.run('attention-patterns', IDS, 0, { signal: controller.signal });
    controller.abort();
    await expect(second).rejects.toThrow(Cancelled);
    await expect(first).resolves.toBeDefined();
    await expect(client.run('attention-patterns', IDS, 0)).resolves.toBeDefined();
  });

  test('runs take turns in the order they were asked for, and say so while they wait', async () => {
    const { client } = setUp();
    await client.open();
    const said: string[] = [];
    const ended: number[] = [];
    const run = async (place: number): Promise<void> => {
      await client.run('attention-patterns', IDS, 0, { onProgress: ({ label }) => said.push(`${place} ${label}`) });
      ended.push(place);
    };
    await Promise.all([run(0), run(1), run(2)]);
    expect(ended).toEqual([0, 1, 2]);
    expect(said).toContain('1 waiting for what runs before it');
    expect(said).toContain('2 waiting for the 2 before it');
    expect(said.filter(words => words.startsWith('0 waiting'))).toEqual([]);
  });

  test('opening can be cancelled', async () => {
    const { client } = setUp();
    const controller = new AbortController();
    const opening = client.open({ signal: controller.signal });
    controller.abort();
    await expect(opening).rejects.toThrow(Cancelled);
    await expect(client.open()).resolves.toBeDefined();
  });

  test.each([
    ['cancelled', (_: ModelClient, controller: AbortController) => controller.abort()],
    ['closed', (client: ModelClient) => client.close()]
  ])('an opening that is %s while the files are listed leaves no worker', async (_, stop) => {
    let listed = (_: ModelSource): void => undefined;
    const source = () => new Promise<ModelSource>(resolve => (listed = resolve));
    const { client, workers } = setUp({ source });
    const controller = new AbortController();
    const opening = client.open({ signal: controller.signal });
    const refused = expect(opening).rejects.toThrow(/cancelled|the model was closed/);
    stop(client, controller);
    listed(SOURCE);
    await refused;
    expect(workers.map(({ terminated }) => terminated)).toEqual([true]);
    expect(client.state).toBe('closed');
  });

  test('an opening begun after another was cancelled is the only one', async () => {
    const lists: ((source: ModelSource) => void)[] = [];
    const { client, workers, opens } = setUp({ source: () => new Promise(resolve => lists.push(resolve)) });
    const controller = new AbortController();
    const first = client.open({ signal: controller.signal });
    controller.abort();
    await expect(first).rejects.toThrow(Cancelled);
    const second = client.open();
    lists.forEach(listed => listed(SOURCE));
    await expect(second).resolves.toBeDefined();
    await client.run('attention-patterns', IDS, 0);
    expect([workers.map(({ terminated }) => terminated), opens()]).toEqual([[true, false], 1]);
  });

  test('a worker starts while the files are listed', async () => {
    let listed = (_: ModelSource): void => undefined;
    const { client, workers } = setUp({ source: () => new Promise(resolve => (listed = resolve)) });
    const opening = client.open();
    expect([workers.length, client.state]).toEqual([1, 'opening']);
    listed(SOURCE);
    await opening;
    expect(workers).toHaveLength(1);
  });

  test('a worker that dies says what is lost, and is replaced on the next use', async () => {
    const { client, workers } = setUp();
    await client.open();
    const lost = client.run('head-scores', {}, 0);
    await new Promise(resolve => setTimeout(resolve));
    workers[0].die('out of memory');
    await expect(lost).rejects.toThrow(
      "the model's worker stopped (out of memory): what was running ended with it, run it again"
    );
    expect(workers[0].terminated).toBe(true);
    expect(client.state).toBe('closed');
    await expect(client.run('attention-patterns', IDS, 0)).resolves.toBeDefined();
    expect(workers).toHaveLength(2);
  });

  test('a run that found no memory says what takes less, and gives back what the worker held', async () => {
    const { client, workers } = setUp();
    await client.open();
    const run = client.run('head-scores', {}, 0);
    await new Promise(resolve => setTimeout(resolve));
    const message = "run failed in graph 'main_graph': ERROR_CODE: 6, ERROR_MESSAGE: std::bad_alloc";
    workers[0].onmessage?.({ data: { type: 'error', id: 2, message, cancelled: false } } as MessageEvent);
    await expect(run).rejects.toThrow(/^memory did not suffice: fewer tokens, layers or prompts take less.*bad_alloc/);
    expect(workers[0].terminated).toBe(true);
    await expect(client.run('attention-patterns', IDS, 0)).resolves.toBeDefined();
    expect(workers).toHaveLength(2);
  });

  test('closing ends the worker', async () => {
    const { client, workers } = setUp();
    await client.open();
    client.close();
    expect(workers[0].terminated).toBe(true);
    expect(client.heapBytes).toBe(0);
  });

  test('a source that fails is told to all who opened, and can be tried again', async () => {
    let attempt = 0;
    const source = async (): Promise<ModelSource> => {
      if (attempt++ === 0) {
        throw new Error("model missing: 'models/x' is not on the server");
      }
      return SOURCE;
    };
    const { client } = setUp({ source });
    await expect(client.open()).rejects.toThrow("model missing: 'models/x' is not on the server");
    await expect(client.open()).resolves.toBeDefined();
  });
});
