/** @jest-environment ./test/jsdom.cjs */
import 'jest-canvas-mock';

import type { Figure } from '../../src/figures/figure';
import type { Picture } from '../../src/report/html';
import { MIME_TYPE } from '../../src/report/payload';
import { AnalysisOutput } from '../../src/ui/output/analysis-output';
import type { OutputContent } from '../../src/ui/output/output-content';
import type { OutputServices } from '../../src/ui/services';
import { samplePayload } from '../report/sample';

// jsdom does not load the SVG that Plotly draws its pictures from.
jest.mock('../../src/ui/figures/picture', () => {
  const { picture } = jest.requireActual<{ picture: (figure: Figure) => Promise<Picture | undefined> }>(
    '../../src/ui/figures/picture'
  );
  const drawn = async (figure: Figure): Promise<Picture | undefined> =>
    figure.kind === 'plotly' ? undefined : picture(figure);
  return { picture: drawn };
});

beforeAll(() => {
  globalThis.ResizeObserver ??= class {
    observe(): void {}
    unobserve(): void {}
    disconnect(): void {}
  };
});

const trans = {
  __: (text: string, ...values: unknown[]) =>
    values.reduce<string>((said, value, i) => said.replace(`%${i + 1}`, String(value)), text),
  _n: (one: string, many: string, n: number, ...values: unknown[]) =>
    [n, ...values].reduce<string>((said, value, i) => said.replace(`%${i + 1}`, String(value)), n === 1 ? one : many)
};

/** Services whose manager may not be touched unless a test gives one. */
const services = (
  manager: unknown = new Proxy(
    {},
    {
      get: () => () => {
        throw new Error('the manager was used');
      }
    }
  )
): OutputServices =>
  ({
    manager,
    trans,
    version: '0.1.0',
    locate: (path: string) => ({ key: path, source: async () => ({ label: path, files: [], headers: {} }) }),
    choose: async () => undefined,
    budget: () => 300_000
  }) as never;

const content = (payload: unknown, parts: Partial<OutputContent> = {}): OutputContent => ({
  mimeType: MIME_TYPE,
  content: payload,
  notebook: 'a.ipynb',
  key: {},
  output: { setData: () => undefined },
  ...parts
});

const shown = (parts: OutputContent, manager?: unknown): HTMLElement => {
  const output = new AnalysisOutput(services(manager));
  output.display(parts);
  return output.node;
};

const until = async (holds: () => boolean): Promise<void> => {
  for (let tries = 0; tries < 100 && !holds(); tries++) {
    await new Promise(resolve => setTimeout(resolve, 50));
  }
};

const idle = { get: () => ({ state: 'closed' }), list: () => [], onChange: () => () => undefined };
const SPEC = { analysis: 'attention-patterns', model: { path: 'm' }, seed: 0, spec: { text: 'a b' } };

describe('drawing', () => {
  test('a saved result is drawn without a worker', async () => {
    const node = shown(content(await samplePayload('attention-patterns', { ids: [1, 2, 3] })));
    expect(node.querySelectorAll('.jp-orrery-atlas-grid canvas, .jp-orrery-matrix')).toHaveLength(2);
    expect(node.querySelector('[role=grid]')?.getAttribute('aria-colcount')).toBe('3');
    expect(node.textContent).toContain('Run again');
  });

  test('tokens stay text', async () => {
    const label = '"><script>alert(1)</script><b>';
    const lens = shown(content(await samplePayload('logit-lens', { ids: [1, 2, 3] }, label)));
    expect(lens.querySelector('script, table b')).toBeNull();
    expect(lens.querySelector('table')?.textContent).toContain(label);
  });

  test('a spec says what it will do, and waits', () => {
    const output = new AnalysisOutput(services(idle));
    output.display(content(SPEC));
    expect(output.waits).toBe(true);
    expect(output.node.textContent).toContain('text: a b');
    expect([...output.node.querySelectorAll('button')].map(button => button.textContent)).toEqual(['Run', 'Edit…']);
  });

  test('showing the same content again changes nothing', async () => {
    const output = new AnalysisOutput(services());
    const parts = content(await samplePayload('attention-patterns', { ids: [1, 2] }));
    output.display(parts);
    const canvas = output.node.querySelector('canvas');
    output.display({ ...parts });
    expect(output.node.querySelector('canvas')).toBe(canvas);
  });

  test('content as a string of JSON is taken', () => {
    expect(shown(content(JSON.stringify(SPEC)), idle).textContent).toContain('Attention patterns');
  });
});

describe('bad content is one sentence, with the words saved beside it', () => {
  test.each([
    ['an unknown analysis', { ...SPEC, analysis: 'tea-leaves' }, MIME_TYPE, "unknown analysis 'tea-leaves'"],
    ['an unknown field', { ...SPEC, spec: { tex: 'a' } }, MIME_TYPE, "unknown field 'tex'"],
    ['a wrong type', { ...SPEC, spec: { text: 3 } }, MIME_TYPE, "'text'"],
    ['a newer major', SPEC, 'application/vnd.orrery.v2+json', 'its format is version 2'],
    ['no object', 7, MIME_TYPE, 'must be an object'],
    ['an absolute path', { ...SPEC, model: { path: '/etc/passwd' } }, MIME_TYPE, '/etc/passwd'],
    ['another origin', { ...SPEC, model: { path: 'https://x.y/m.onnx' } }, MIME_TYPE, 'https://x.y/m.onnx']
  ])('%s', (_, payload, mimeType, message) => {
    const node = shown(content(payload, { mimeType, fallback: 'saved words' }));
    expect(node.querySelector('[role=alert]')?.textContent).toContain(message);
    expect(node.querySelector('pre')?.textContent).toBe('saved words');
  });

  test('a result whose sizes do not agree', async () => {
    const payload = await samplePayload('attention-patterns', { ids: [1, 2, 3] });
    const result = { ...(payload.result as object), size: 7 };
    expect(shown(content({ ...payload, result })).querySelector('[role=alert]')).not.toBeNull();
  });
});

describe('running', () => {
  const opened = { facts: { label: 'm', hash: 'sha256:1', dtypes: {}, runtime: 'r', threads: 1 } };

  test('two views of one output run once, and the result is written once', async () => {
    const { result } = await samplePayload('model-card', {});
    let runs = 0;
    const written: Record<string, unknown>[] = [];
    const client = {
      state: 'open',
      open: async () => opened,
      cost: async () => ({ forwards: 0, bytes: 0 }),
      run: async () => (runs++, { result, seconds: 1 })
    };
    const manager = { ...idle, get: () => client };
    const parts = content(
      { ...SPEC, analysis: 'model-card', spec: {} },
      { output: { setData: ({ data }) => void written.push(data) } }
    );
    const views = [new AnalysisOutput(services(manager)), new AnalysisOutput(services(manager))];
    views.forEach(view => view.display(parts));
    views.forEach(view => view.run());
    await until(() => written.length > 0);
    expect(runs).toBe(1);
    expect(written).toHaveLength(1);
    expect(Object.keys(written[0]).sort()).toEqual([MIME_TYPE, 'image/png', 'text/html', 'text/plain']);
  });

  describe('run again, it says whether file and result are the same', () => {
    const other = (result: object) => ({ ...result, tokenizer: !(result as { tokenizer: boolean }).tokenizer });
    test.each([
      ['the same', opened.facts.hash, (result: object) => result, /^Repeated: the same file gives the same result/],
      [
        'another result',
        opened.facts.hash,
        other,
        /^The same file, another result: .* orrery 0\.1\.0, fake-runtime 1\.0\.$/
      ],
      [
        'another file',
        `sha256:${'f'.repeat(64)}`,
        (result: object) => result,
        /^Another model file: .* of sha256:f{12}…/
      ]
    ])('%s', async (_, modelHash, change, words) => {
      const { result } = await samplePayload('model-card', {});
      const client = {
        state: 'open',
        open: async () => opened,
        cost: async () => ({ forwards: 0, bytes: 0 }),
        run: async () => ({ result, seconds: 1 })
      };
      const first = { ...SPEC, analysis: 'model-card', spec: {} };
      const saved = { ...(await samplePayload('model-card', {})), ...first, result: change(result as object) };
      const earlier = { ...saved, provenance: { ...saved.provenance!, modelHash } };
      const output = new AnalysisOutput(services({ ...idle, get: () => client }));
      const parts = content(earlier, {
        output: { setData: ({ data }) => output.display({ ...parts, content: data[MIME_TYPE] }) }
      });
      output.display(parts);
      expect(output.node.querySelector('.jp-orrery-note')).toBeNull();
      output.run();
      await until(() => output.node.querySelector('.jp-orrery-note') !== null);
      expect(output.node.querySelector('.jp-orrery-note')?.textContent).toMatch(words);
    });
  });

  test('a failure is said, and nothing is written', async () => {
    const client = {
      state: 'closed',
      open: async () => Promise.reject(new Error("model missing: 'm' is not on the server"))
    };
    const output = new AnalysisOutput(services({ ...idle, get: () => client }));
    const setData = jest.fn();
    output.display(content(SPEC, { output: { setData } }));
    await new Promise(resolve => setTimeout(resolve, 5));
    expect(output.node.textContent).toContain('The model is not open yet');
    output.run();
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(output.node.textContent).not.toContain('not open yet');
    expect(output.node.querySelector('[role=alert]')?.textContent).toBe("model missing: 'm' is not on the server");
    expect(output.node.textContent).toContain('text: a b');
    expect(setData).not.toHaveBeenCalled();
  });

  test('an output that runs does not say that its model is not open', async () => {
    const client = { state: 'closed', open: async () => new Promise<never>(() => undefined) };
    const output = new AnalysisOutput(services({ ...idle, get: () => client }));
    output.display(content(SPEC, { output: { setData: jest.fn() } }));
    await until(() => output.node.textContent!.includes('not open yet'));
    expect(output.node.textContent).toContain('not open yet');
    output.run();
    expect(output.node.textContent).not.toContain('not open yet');
    expect(output.node.textContent).toContain('text: a b');
  });

  describe('a result that comes in parts', () => {
    /** Gives half of the cells, then goes on until it is cancelled or its worker dies. */
    const halves = async () => {
      const payload = await samplePayload('activation-patching', {});
      const values = (payload.result as { values: { data: string; shape: number[] } }).values;
      const numbers = new Float32Array(Uint8Array.from(Buffer.from(values.data, 'base64')).buffer);
      numbers.fill(NaN, numbers.length / 2);
      const half = { ...values, data: Buffer.from(numbers.buffer).toString('base64') };
      const partial = { ...(payload.result as object), values: half, deviations: half, done: numbers.length / 2 };
      let die: (error: Error) => void = () => undefined;
      const asked: { earlier?: unknown }[] = [];
      const client = {
        state: 'open',
        opened,
        open: async () => opened,
        cost: async () => ({ forwards: 0, bytes: 0 }),
        run: (
          _: string,
          __: unknown,
          ___: number,
          options: { signal: AbortSignal; onPartial(result: unknown): void; earlier?: unknown }
        ) =>
          new Promise((_resolve, reject) => {
            asked.push(options);
            die = reject;
            options.onPartial(partial);
            options.signal.addEventListener('abort', () => reject(new Error('cancelled')));
          })
      };
      const written: Record<string, { result: { done: number } }>[] = [];
      const output = new AnalysisOutput(services({ ...idle, get: () => client }));
      const parts = content(
        { ...SPEC, analysis: 'activation-patching', spec: payload.spec },
        { output: { setData: ({ data }) => void written.push(data as never) } }
      );
      output.display(parts);
      output.run();
      await new Promise(resolve => setTimeout(resolve, 100));
      return { output, written, asked, parts, total: numbers.length, die: (why: string) => die(new Error(why)) };
    };
    const press = (output: AnalysisOutput, label: string): void =>
      [...output.node.querySelectorAll('button')].find(({ textContent }) => textContent === label)?.click();

    test('is drawn as far as it is there, and not saved', async () => {
      const { output, written, total } = await halves();
      expect(output.node.querySelector('figure')).not.toBeNull();
      expect(output.node.textContent).toContain(`${total / 2} of ${total} cells are computed`);
      expect(written).toHaveLength(0);
    });

    test('is kept when it is cancelled, and continued', async () => {
      const { output, written, asked, parts, total } = await halves();
      press(output, 'Cancel');
      await until(() => written.length > 0);
      expect(written).toHaveLength(1);
      expect(written[0][MIME_TYPE].result.done).toBe(total / 2);
      output.display({ ...parts, content: written[0][MIME_TYPE] });
      expect(output.node.textContent).toContain('Cancelled: what was done is kept.');
      press(output, 'Continue');
      await new Promise(resolve => setTimeout(resolve, 50));
      expect(asked[1].earlier).toMatchObject({ done: total / 2 });
    });

    test('is kept when the worker dies, and why is said', async () => {
      const { output, written, die } = await halves();
      die("the model's worker stopped: what was running ended with it, run it again");
      await until(() => written.length > 0);
      await until(() => output.node.querySelector('[role=alert]') !== null);
      expect(written).toHaveLength(1);
      const said = output.node.querySelector('[role=alert]')?.textContent;
      expect(said).toBe(
        "the model's worker stopped: what was running ended with it, run it again. What was done is kept: Continue goes on from it."
      );
    });
  });

  describe('another model', () => {
    const card = async (): Promise<{ output: AnalysisOutput; setData: jest.Mock; manager: unknown }> => {
      const payload = await samplePayload('model-card', {});
      const client = {
        state: 'closed',
        open: async () => opened,
        run: async () => ({ result: payload.result, seconds: 1 })
      };
      const manager = { ...idle, get: () => client };
      const setData = jest.fn();
      const output = new AnalysisOutput({ ...services(manager), choose: async () => '' });
      output.display(content(payload, { output: { setData } }));
      return { output, setData, manager };
    };
    const press = (output: AnalysisOutput, label: string): void =>
      [...output.node.querySelectorAll('button')].find(({ textContent }) => textContent === label)?.click();

    test('that has no valid path leaves the card as it was', async () => {
      const { output, setData } = await card();
      press(output, 'Choose another…');
      await new Promise(resolve => setTimeout(resolve, 10));
      expect(output.node.querySelector('[role=alert]')?.textContent).toContain("'model.path'");
      expect(output.node.querySelector('table')).not.toBeNull();
      expect(setData).not.toHaveBeenCalled();
    });

    test('that was dropped is named by its hash', async () => {
      const { output, setData } = await card();
      opened.facts.hash = `sha256:${'1'.repeat(64)}`;
      const drop = new Event('drop', { bubbles: true, cancelable: true });
      Object.assign(drop, { dataTransfer: { files: [new File(['x'], 'mine.onnx')] } });
      output.node.querySelector('.jp-orrery-model-controls')!.dispatchEvent(drop);
      // What a drop does is loaded first.
      for (let wait = 0; wait < 50 && setData.mock.calls.length === 0; wait++) {
        await new Promise(resolve => setTimeout(resolve, 100));
      }
      expect(setData.mock.calls[0][0].data[MIME_TYPE].model).toEqual({ hash: opened.facts.hash });
    });
  });

  test('nobody follows it any more: it is cancelled', async () => {
    let signal: AbortSignal | undefined;
    const client = {
      state: 'closed',
      open: (options: { signal: AbortSignal }) => {
        signal = options.signal;
        return new Promise(() => undefined);
      }
    };
    const parts = content(SPEC);
    const make = (): AnalysisOutput => {
      const output = new AnalysisOutput(services({ ...idle, get: () => client }));
      output.display(parts);
      return output;
    };
    jest.useFakeTimers();
    const first = make();
    first.run();
    first.dispose();
    const second = make();
    jest.advanceTimersByTime(2000);
    expect(signal?.aborted).toBe(false);
    second.dispose();
    jest.advanceTimersByTime(2000);
    expect(signal?.aborted).toBe(true);
    jest.useRealTimers();
  });
});

describe('keys', () => {
  const heard = (key: string, init: KeyboardEventInit = {}): boolean => {
    const cell = document.createElement('div');
    cell.className = 'jp-Cell';
    cell.tabIndex = -1;
    const output = new AnalysisOutput(services(idle));
    output.display(content(SPEC));
    cell.append(output.node);
    document.body.replaceChildren(cell);
    const listener = jest.fn();
    cell.addEventListener('keydown', listener);
    const run = output.node.querySelector('button')!;
    run.focus();
    run.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, ...init }));
    return listener.mock.calls.length > 0;
  };

  test('letters stay inside, shortcuts go on', () => {
    expect(heard('d')).toBe(false);
    expect(heard('s', { ctrlKey: true })).toBe(true);
  });

  test('Esc goes back to the cell', () => {
    expect(heard('Escape')).toBe(true);
    expect(document.activeElement?.className).toBe('jp-Cell');
  });
});
