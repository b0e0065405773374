/** @jest-environment ./test/jsdom.cjs */
import 'jest-canvas-mock';

import type { Payload } from '../../src/report/payload';
import { MIME_TYPE } from '../../src/report/payload';
import { pythonSource } from '../../src/report/python-source';
import { validatePayload } from '../../src/report/validate-payload';
import { AnalysisOutput } from '../../src/ui/output/analysis-output';
import type { OutputContent } from '../../src/ui/output/output-content';
import { deviceWords } from '../../src/ui/output/device-words';
import { heightOf } from '../../src/ui/output/height-handle';
import type { OutputPlace } from '../../src/ui/output/output-place';
import { tokenCount } from '../../src/ui/output/token-count';
import type { OutputServices } from '../../src/ui/services';
import { samplePayload } from '../report/sample';
import { trans } from './translate';

jest.mock('../../src/ui/figures/picture', () => ({ picture: async () => undefined }));

beforeAll(() => {
  globalThis.ResizeObserver ??= class {
    observe(): void {}
    unobserve(): void {}
    disconnect(): void {}
  };
  // jsdom has no top layer.
  Object.assign(HTMLElement.prototype, {
    showPopover(this: HTMLElement) {
      this.dispatchEvent(Object.assign(new Event('toggle'), { newState: 'open' }));
    },
    hidePopover(this: HTMLElement) {
      this.dispatchEvent(Object.assign(new Event('toggle'), { newState: 'closed' }));
    }
  });
});

const FACTS = { label: 'm', hash: `sha256:${'1'.repeat(64)}`, dtypes: {}, runtime: 'onnxruntime-web 1', threads: 1 };
const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 20));

/** A model that answers with what it is given, at the cost that it is given, and counts. */
function model(answers: Record<string, unknown>, cost = { forwards: 1, bytes: 1000 }) {
  const asked: { text: string; signal: AbortSignal }[] = [];
  const client = {
    state: 'open',
    opened: { facts: FACTS },
    open: async () => ({ facts: FACTS }),
    cost: async () => cost,
    encode: async () => [],
    run: async (_: string, { text }: { text: string }, __: number, { signal }: { signal: AbortSignal }) => {
      asked.push({ text, signal });
      await new Promise(resolve => setTimeout(resolve, 30));
      signal.throwIfAborted();
      return { result: answers[text], seconds: 0.5 };
    }
  };
  return { client, asked };
}

const services = (client: unknown, parts: object = {}): OutputServices =>
  ({
    manager: { get: () => client, list: () => [], onChange: () => () => undefined },
    trans,
    version: '0.1.0',
    locate: (path: string) => ({ key: path, source: async () => ({ label: path, files: [], headers: {} }) }),
    choose: async () => undefined,
    insert: async () => undefined,
    budget: () => 300_000,
    ...parts
  }) as never;

const content = (payload: Payload, parts: Partial<OutputContent> = {}): OutputContent => ({
  mimeType: MIME_TYPE,
  content: payload,
  notebook: 'a.ipynb',
  key: {},
  output: { setData: () => undefined },
  ...parts
});

const press = (node: HTMLElement, label: string): void => {
  const found = [...node.querySelectorAll('button')].find(({ textContent }) => textContent!.startsWith(label));
  if (!found) {
    throw new Error(`no button '${label}'`);
  }
  found.click();
};

const made = (output: AnalysisOutput): AnalysisOutput => {
  document.body.replaceChildren(output.node);
  return output;
};

/** An output of attention patterns of a text of so many tokens. */
const patterns = async (text: string, ids: readonly number[]): Promise<Payload> => ({
  ...(await samplePayload('attention-patterns', { ids })),
  spec: { text }
});

describe('height', () => {
  test.each([
    [{ height: 300 }, 300],
    [{ height: 1e9 }, undefined],
    [{ height: -1 }, undefined],
    [{ height: '300' }, undefined],
    [{ height: 300.5 }, undefined],
    ['300', undefined],
    [undefined, undefined]
  ])('%j', (metadata, height) => {
    expect(heightOf(metadata)).toBe(height);
  });

  test('is shown as kept, changed by keys, and given back', async () => {
    const keepHeight = jest.fn();
    const payload = await patterns('a b', [1, 2]);
    const output = made(new AnalysisOutput(services({})));
    const parts = content(payload, { height: 300, keepHeight });
    output.display(parts);
    const body = output.node.querySelector<HTMLElement>('.jp-orrery-body')!;
    const edge = output.node.querySelector<HTMLElement>('[role=separator]')!;
    expect(body.style.height).toBe('300px');
    expect(edge.getAttribute('aria-valuenow')).toBe('300');
    body.getBoundingClientRect = () => ({ height: 300 }) as DOMRect;
    const key = (name: string): boolean =>
      edge.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true }));
    key('ArrowDown');
    expect(keepHeight).toHaveBeenLastCalledWith(320);
    key('Home');
    expect(keepHeight).toHaveBeenLastCalledWith(undefined);
    expect(body.style.height).toBe('');
    // Another view of the same output changed it.
    output.display({ ...parts, height: 400 });
    expect(body.style.height).toBe('400px');
  });
});

describe('another text', () => {
  const typed = async (node: HTMLElement, text: string): Promise<void> => {
    const input = node.querySelector('textarea')!;
    input.value = text;
    input.dispatchEvent(new Event('input'));
    await settled();
  };
  const later = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 450));

  test('the figures follow the latest; the output changes when it is kept, and the cell with it', async () => {
    const [first, second] = [await patterns('a b', [1, 2]), await patterns('a b c', [1, 2, 3])];
    const { client, asked } = model({ 'a b c': second.result, 'a b c d': second.result });
    const setData = jest.fn();
    let source = '';
    const place: Partial<OutputPlace> = { source: { get: () => source, set: text => void (source = text) } };
    const output = made(new AnalysisOutput(services(client)));
    const payload = { ...first, model: { path: 'm' } };
    source = pythonSource(validatePayload(payload))!;
    output.display(content(payload, { output: { setData }, place: () => place as OutputPlace }));
    press(output.node, 'Try a text');
    await typed(output.node, 'a b');
    await typed(output.node, 'a b c');
    await later();
    expect(asked.map(({ text }) => text)).toEqual(['a b c']);
    expect(setData).not.toHaveBeenCalled();
    press(output.node, 'Keep');
    await settled();
    expect(setData.mock.calls[0][0].data[MIME_TYPE]).toMatchObject({ spec: { text: 'a b c' }, model: { path: 'm' } });
    expect(source).toContain('text="a b c"');
  });

  test('what runs when another key is pressed is cancelled', async () => {
    const payload = await patterns('a b', [1, 2]);
    const { client, asked } = model({ x: payload.result, y: payload.result });
    const output = made(new AnalysisOutput(services(client)));
    output.display(content(payload));
    press(output.node, 'Try a text');
    await typed(output.node, 'x');
    await new Promise(resolve => setTimeout(resolve, 310));
    await typed(output.node, 'y');
    await later();
    expect(asked.map(({ text, signal }) => [text, signal.aborted])).toEqual([
      ['x', true],
      ['y', false]
    ]);
  });

  test('an analysis that costs more waits for Run', async () => {
    const payload = await patterns('a b', [1, 2]);
    const { client, asked } = model({ x: payload.result }, { forwards: 9, bytes: 10 });
    const output = made(new AnalysisOutput(services(client)));
    output.display(content(payload));
    press(output.node, 'Try a text');
    await typed(output.node, 'x');
    await later();
    expect(asked).toEqual([]);
    expect(output.node.querySelector('.jp-orrery-live')?.textContent).toContain('9 forwards are too many');
    press(output.node.querySelector('.jp-orrery-live')!, 'Run');
    await later();
    expect(asked).toHaveLength(1);
  });

  test('what does not fit the notebook is not kept, and why is said', async () => {
    const payload = await patterns('a b', [1, 2]);
    const { client } = model({ x: payload.result });
    const setData = jest.fn();
    const output = made(new AnalysisOutput(services(client, { budget: () => 10 })));
    output.display(content(payload, { output: { setData } }));
    press(output.node, 'Try a text');
    await typed(output.node, 'x');
    await later();
    press(output.node, 'Keep');
    await settled();
    expect(output.node.querySelector('.jp-orrery-live')?.textContent).toContain('are more than the 10 allowed');
    expect(setData).not.toHaveBeenCalled();
  });

  test('Back shows what is saved', async () => {
    const [first, second] = [await patterns('a b', [1, 2]), await patterns('x', [1, 2, 3])];
    const { client } = model({ x: second.result });
    const output = made(new AnalysisOutput(services(client)));
    output.display(content(first));
    const alt = (): string | null | undefined => output.node.querySelector('figure')?.getAttribute('aria-label');
    const before = alt();
    press(output.node, 'Try a text');
    await typed(output.node, 'x');
    await later();
    expect(alt()).not.toBe(before);
    press(output.node, 'Back');
    expect(alt()).toBe(before);
    expect(output.node.querySelector('.jp-orrery-live')).toBeNull();
  });
});

describe('compare', () => {
  test('with another output: side by side, with the difference, and no run', async () => {
    const one = await samplePayload('attention-patterns', { ids: [1, 2, 3] });
    const other = await samplePayload('attention-patterns', { ids: [3, 2, 1] });
    const more = await samplePayload('attention-patterns', { ids: [3, 2] });
    const lens = await samplePayload('logit-lens', { ids: [1, 2] });
    const siblings = [one, other, lens, { analysis: 'attention-patterns' }, more].map((payload, i) => ({
      cell: i + 1,
      content: payload
    }));
    const insert = jest.fn(async () => undefined);
    const activate = jest.fn();
    const output = made(new AnalysisOutput(services({}, { insert })));
    output.display(content(one, { place: () => ({ siblings: () => siblings, activate }) as never }));
    press(output.node, 'Compare with');
    const items = [...output.node.querySelectorAll('[role=menuitem]')].map(({ textContent }) => textContent);
    expect(items.map(item => item?.slice(0, 7))).toEqual(['Another', 'Another', 'Cell 2:', 'Cell 5:']);
    press(output.node, 'Cell 2');
    await settled();
    const panel = output.node.querySelector<HTMLElement>('.jp-orrery-comparison')!;
    const titles = (): (string | undefined)[] =>
      [...panel.querySelectorAll('.jp-orrery-figure-title')].map(node => node.textContent ?? undefined);
    expect(panel.querySelectorAll('[role=grid]')).toHaveLength(2);
    expect(titles().filter(title => title?.startsWith('Difference'))).toHaveLength(1);
    expect(panel.textContent).toContain('ids: [3,2,1]');
    press(panel, 'Keep the second');
    expect(insert).toHaveBeenCalledWith(expect.objectContaining({ spec: expect.objectContaining({ ids: [3, 2, 1] }) }));
    expect(activate).toHaveBeenCalled();
    press(panel, 'Close');
    expect(output.node.querySelector('.jp-orrery-comparison')).toBeNull();
    expect(output.node.querySelector<HTMLElement>('.jp-orrery-body')?.hidden).toBe(false);
  });

  test('lengths that differ have no difference, and why is said', async () => {
    const one = await samplePayload('attention-patterns', { ids: [1, 2, 3] });
    const other = await samplePayload('attention-patterns', { ids: [3, 2] });
    const output = made(new AnalysisOutput(services({})));
    output.display(content(one, { place: () => ({ siblings: () => [{ cell: 2, content: other }] }) as never }));
    press(output.node, 'Compare with');
    press(output.node, 'Cell 2');
    await settled();
    expect(output.node.querySelector('.jp-orrery-comparison')?.textContent).toContain('one has 3 tokens, the other 2');
  });

  test('a model that has no valid path is a sentence, and nothing else happens', async () => {
    const one = await samplePayload('attention-patterns', { ids: [1, 2, 3] });
    const output = made(new AnalysisOutput(services({}, { choose: async () => '' })));
    output.display(content(one));
    press(output.node, 'Compare with');
    press(output.node, 'Another model');
    await settled();
    expect(output.node.querySelector('[role=alert]')?.textContent).toContain("'model.path'");
    expect(output.node.querySelector('.jp-orrery-comparison')).toBeNull();
  });

  test('with another model: it is run, and a failure is one sentence', async () => {
    const one = { ...(await samplePayload('attention-patterns', { ids: [1, 2, 3] })), model: { path: 'm' } };
    const client = { state: 'open', open: async () => Promise.reject(new Error("model missing: 'n' is not there")) };
    const output = made(new AnalysisOutput(services(client, { choose: async () => 'n' })));
    output.display(content(one));
    press(output.node, 'Compare with');
    press(output.node, 'Another model');
    await settled();
    const panel = output.node.querySelector('.jp-orrery-comparison')!;
    expect(panel.textContent).toContain("model missing: 'n' is not there");
    expect(panel.textContent).toContain('model: n');
  });
});

describe('saving', () => {
  const place = (writable: boolean) => {
    let fail: () => void = () => undefined;
    const end = jest.fn();
    const made: Partial<OutputPlace> = {
      writable,
      onSaveFailed: listener => {
        fail = listener;
        return end;
      }
    };
    return { place: () => made as OutputPlace, fail: () => fail(), end };
  };

  test.each([
    ['a read-only file', false],
    ['a save that fails', true]
  ])('%s: the result stays in the page, and that is said', async (_, writable) => {
    const payload = await patterns('a b', [1, 2]);
    const { client } = model({ 'a b': payload.result });
    const where = place(writable);
    const output = made(new AnalysisOutput(services(client)));
    const parts = content({ ...payload, result: undefined } as never, {
      place: where.place,
      output: { setData: ({ data }) => output.display({ ...parts, content: data[MIME_TYPE] }) }
    });
    output.display(parts);
    output.run();
    await new Promise(resolve => setTimeout(resolve, 100));
    if (writable) {
      expect(output.node.textContent).not.toContain('was not written');
      where.fail();
    }
    expect(output.node.querySelector('[role=status].jp-orrery-note')?.textContent).toContain('was not written');
    expect(output.node.querySelector('canvas')).not.toBeNull();
    output.dispose();
    expect(where.end).toHaveBeenCalled();
  });

  test('what was only opened says nothing', async () => {
    const output = made(new AnalysisOutput(services({})));
    output.display(content(await patterns('a b', [1, 2]), { place: place(false).place }));
    expect(output.node.textContent).not.toContain('was not written');
  });
});

describe('what is said', () => {
  test('a skeleton stands where the figures will be, while nothing of them is there', async () => {
    const client = {
      state: 'closed',
      open: () => new Promise(() => undefined),
      cost: async () => ({ forwards: 1, bytes: 1 })
    };
    const output = made(new AnalysisOutput(services(client)));
    output.display(content({ analysis: 'logit-lens', model: { path: 'm' }, seed: 0, spec: {} }));
    expect(output.node.querySelector('.jp-orrery-output-skeleton')).toBeNull();
    output.run();
    expect(output.node.querySelector('.jp-orrery-output-skeleton')).not.toBeNull();
    output.dispose();
  });

  test('the line under a result: model, tokens, time, device', async () => {
    const payload = await samplePayload('attention-patterns', { ids: [1, 2, 3] });
    const output = made(new AnalysisOutput(services({})));
    const provenance = { ...payload.provenance!, seconds: 55.971 };
    output.display(content({ ...payload, model: { path: 'models/m' }, provenance }));
    const spans = [...output.node.querySelectorAll('summary span')].map(({ textContent }) => textContent);
    expect(spans[0]).toMatch(/^models\/m @ /);
    expect(spans[1]).toBe('· 3 tokens');
    expect(spans[2]).toBe('· 56 s');
    expect(output.node.querySelector('dl')?.textContent).toContain(', 55.971 s');
    expect(spans).toHaveLength(5);
  });

  test.each([
    ['onnxruntime-web 1.30.0', 1, 'WebAssembly, 1 thread'],
    ['onnxruntime-web 1.30.0 webgpu', 1, 'WebGPU, 1 thread'],
    ['onnxruntime-node 1.30.0', 4, 'native, 4 threads'],
    ['something', 2, 'something, 2 threads']
  ])('%s', (runtime, threads, words) => {
    expect(deviceWords(runtime, threads, trans)).toBe(words);
  });

  test('tokens of a result, where it names them', () => {
    expect([{ input: { ids: [1, 2] } }, { clean: { ids: [1] } }, {}, null, { input: 7 }].map(tokenCount)).toEqual([
      2,
      1,
      undefined,
      undefined,
      undefined
    ]);
  });
});
