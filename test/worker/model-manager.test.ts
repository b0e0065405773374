import { ModelManager } from '../../src/worker/model-manager';
import type { ModelSource, OpenedModel, Request } from '../../src/worker/protocol';
import { FakeWorker } from './port';

const source = async (): Promise<ModelSource> => ({ label: 'm', files: [], headers: {} });
const MODEL = { heapBytes: 64 } as OpenedModel;

/** A manager on workers that open anything at once. */
function setUp() {
  const workers: FakeWorker[] = [];
  const createWorker = (): FakeWorker => {
    const worker = new FakeWorker(
      send =>
        ({ id }: Request) =>
          send({ type: 'opened', id, model: MODEL })
    );
    workers.push(worker);
    return worker;
  };
  return { workers, manager: new ModelManager({ createWorker, assets: { wasm: '', mjs: '' } }) };
}

describe('one worker a model', () => {
  test('a model that is only named has none', () => {
    const { manager, workers } = setUp();
    manager.get('a', source);
    expect(workers).toHaveLength(0);
    expect(manager.list()).toEqual([]);
  });

  test('all who name a model share its worker; another model has its own', async () => {
    const { manager, workers } = setUp();
    await Promise.all(['a', 'a', 'b'].map(key => manager.get(key, source).open()));
    expect(manager.get('a', source)).toBe(manager.get('a', source));
    expect(workers).toHaveLength(2);
    expect(manager.list().map(({ key }) => key)).toEqual(['a', 'b']);
  });

  test('closing ends that worker alone; who watched the model sees it open again', async () => {
    const { manager, workers } = setUp();
    const watched = manager.get('a', source);
    await watched.open();
    await manager.get('b', source).open();
    manager.close('a');
    expect(workers.map(({ terminated }) => terminated)).toEqual([true, false]);
    expect(manager.list().map(({ key }) => key)).toEqual(['b']);
    await manager.get('a', source).open();
    expect(watched.state).toBe('open');
    expect(workers).toHaveLength(3);
  });

  test('listeners hear of changes until they end', async () => {
    const { manager } = setUp();
    let heard = 0;
    const end = manager.onChange(() => heard++);
    await manager.get('a', source).open();
    const before = heard;
    expect(before).toBeGreaterThan(0);
    end();
    manager.close('a');
    expect(heard).toBe(before);
  });
});
