/** @jest-environment ./test/jsdom.cjs */
import { recentModels } from '../../src/plugins/recent-models';
import type { LocalFiles } from '../../src/ui/local-files';
import { ModelPanel } from '../../src/ui/model-panel';
import type { OutputServices } from '../../src/ui/services';
import type { ModelManager } from '../../src/worker/model-manager';
import { trans } from './translate';

/** A manager of models that open and close at a word. */
const fakeManager = () => {
  const states = new Map<string, string>();
  const listeners = new Set<() => void>();
  const set = (key: string, state: string): void => {
    states.set(key, state);
    listeners.forEach(listener => listener());
  };
  const manager = {
    list: () =>
      [...states]
        .filter(([, state]) => state !== 'closed')
        .map(([key, state]) => ({
          key,
          label: key.replace('dropped:', ''),
          client: { state, heapBytes: state === 'open' ? 2_000_000 : 0 }
        })),
    close: (key: string) => set(key, 'closed'),
    onChange: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    }
  };
  return { manager: manager as unknown as ModelManager, set, listeners };
};

const fakeState = (value: unknown) => {
  const saved: unknown[] = [];
  return {
    saved,
    state: { fetch: async () => value, save: async (_: string, next: unknown) => void saved.push(next) } as never
  };
};

describe('recent models', () => {
  test('are those that opened, the last first, without dropped files', async () => {
    const { manager, set } = fakeManager();
    const { state, saved } = fakeState(['old']);
    const recent = await recentModels(manager, state);
    set('a', 'opening');
    expect(recent.list()).toEqual(['old']);
    set('a', 'open');
    set('dropped:x', 'open');
    set('old', 'open');
    expect(recent.list()).toEqual(['old', 'a']);
    recent.forget('old');
    expect(saved.at(-1)).toEqual(['a']);
    set('b', 'open');
    expect(recent.list()).toEqual(['b', 'a']);
  });

  test.each([
    ['nothing', undefined],
    ['a text', 'x'],
    ['other things', [1, null, 'https://x/y', 'z'.repeat(2000), '']],
    ['an object', { length: 3 }]
  ])('a saved value that is no list of paths is nothing: %s', async (_, value) => {
    const { manager } = fakeManager();
    expect((await recentModels(manager, fakeState(value).state)).list()).toEqual([]);
  });
});

describe('the panel', () => {
  const make = async () => {
    const fake = fakeManager();
    const recent = await recentModels(fake.manager, fakeState(['m/old.onnx']).state);
    const shown: string[] = [];
    const dropped: Promise<LocalFiles>[] = [];
    const services = { manager: fake.manager, recent, trans } as unknown as OutputServices;
    const panel = new ModelPanel({
      services,
      onShow: path => shown.push(path),
      onOpen: () => undefined,
      onOpenLocal: () => undefined,
      onLocal: files => dropped.push(files),
      onShowLocal: ({ key }) => shown.push(key)
    });
    document.body.replaceChildren(panel.node);
    const press = (label: string): void =>
      [...panel.node.querySelectorAll('button')]
        .find(node => (node.getAttribute('aria-label') ?? node.textContent) === label)!
        .click();
    return { ...fake, panel, shown, dropped, press };
  };

  test('lists open models with their memory, and closes them', async () => {
    const { panel, set, press } = await make();
    set('m/a.onnx', 'open');
    set('m/b.onnx', 'opening');
    expect(panel.node.textContent).toContain('2.00 MB of memory in all');
    expect(panel.node.textContent).toContain('opening');
    press('Close m/a.onnx');
    expect([...panel.node.querySelectorAll('ul')].map(list => list.textContent)).toEqual([
      expect.stringContaining('m/b.onnx'),
      expect.stringMatching(/m\/a\.onnx.*m\/old\.onnx/)
    ]);
  });

  test('shows a recent one, and forgets it', async () => {
    const { panel, press, shown } = await make();
    press('m/old.onnx');
    expect(shown).toEqual(['m/old.onnx']);
    press('Forget m/old.onnx');
    expect(panel.node.textContent).toContain('None besides');
  });

  test('names a model of this computer while it opens, and shows it again', async () => {
    const { set, press, shown } = await make();
    set('dropped:own.onnx', 'opening');
    press('own.onnx');
    expect(shown).toEqual(['dropped:own.onnx']);
  });

  test('takes files that are dropped on it, and only files', async () => {
    const { panel, dropped } = await make();
    const drop = (types: readonly string[], files: readonly File[]): boolean => {
      const event = new Event('drop', { bubbles: true, cancelable: true });
      Object.assign(event, { dataTransfer: { types, files } });
      return panel.node.dispatchEvent(event);
    };
    const file = new File(['x'], 'own.onnx');
    expect(drop(['Files'], [file])).toBe(false);
    expect(await dropped[0]).toEqual({ files: [{ name: 'own.onnx', file }] });
    expect(drop(['text/plain'], [])).toBe(true);
    expect(dropped).toHaveLength(1);
  });

  test('hears nothing after it was disposed', async () => {
    const { panel, listeners } = await make();
    const before = listeners.size;
    panel.dispose();
    expect(listeners.size).toBe(before - 1);
  });
});
