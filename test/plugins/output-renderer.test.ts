/** @jest-environment ./test/jsdom.cjs */
import 'jest-canvas-mock';

import { OutputRenderer } from '../../src/plugins/output-renderer';
import { MIME_TYPE } from '../../src/report/payload';
import { samplePayload } from '../report/sample';

beforeAll(() => {
  globalThis.ResizeObserver ??= class {
    observe(): void {}
    unobserve(): void {}
    disconnect(): void {}
  };
});

const SPEC = { analysis: 'attention-patterns', model: { path: 'm' }, seed: 0, spec: { text: 'a b' } };
const said = (text: string): string => text;

/** A page whose one model can only be counted: how often somebody opened it. */
function setUp() {
  let opened = 0;
  const meant = new WeakSet<object>();
  const client = { state: 'closed', open: () => (opened++, new Promise(() => undefined)) };
  const manager = { get: () => client, list: () => [], onChange: () => () => undefined };
  const locate = (path: string) => ({ key: path, source: async () => ({}) });
  const services = { manager, locate, trans: { __: said, _n: said }, version: '0', budget: () => 3e5 };
  const models = {
    services: async () => services as never,
    mean: (output: object) => void meant.add(output),
    claim: (output: object) => meant.delete(output)
  };
  const renderer = (mimeType = MIME_TYPE): OutputRenderer =>
    new OutputRenderer({ mimeType, resolver: { path: 'a/b.ipynb' } } as never, models, {
      hasCommand: () => false
    } as never);
  return { models, renderer, opened: () => opened };
}

const output = (content: unknown, trusted: boolean, mimeType = MIME_TYPE) => ({
  data: { [mimeType]: content, 'text/plain': 'saved words' } as never,
  metadata: {},
  trusted,
  setData: jest.fn()
});

describe('an output runs by itself', () => {
  test.each([
    ['when it was just executed in a trusted notebook', true, true, 1],
    ['never when it was only opened', true, false, 0],
    ['never in a notebook that is not trusted', false, true, 0]
  ])('%s', async (_, trusted, meant, runs) => {
    const { models, renderer, opened } = setUp();
    const model = output(SPEC, trusted);
    if (meant) {
      models.mean(model);
    }
    await renderer().renderModel(model);
    expect(opened()).toBe(runs);
  });

  test('never when it has a result', async () => {
    const { models, renderer, opened } = setUp();
    const model = output(await samplePayload('attention-patterns', { ids: [1, 2] }), true);
    models.mean(model);
    await renderer().renderModel(model);
    expect(opened()).toBe(0);
  });

  test('once, however often and in however many views it is drawn', async () => {
    const { models, renderer, opened } = setUp();
    const model = output(SPEC, true);
    models.mean(model);
    const views = [renderer(), renderer()];
    for (const view of [...views, ...views]) {
      await view.renderModel(model);
    }
    expect(opened()).toBe(1);
  });
});

test('drawing writes nothing', async () => {
  const { renderer } = setUp();
  for (const content of [SPEC, await samplePayload('attention-patterns', { ids: [1, 2] }), 7]) {
    const model = output(content, true);
    await renderer().renderModel(model);
    expect(model.setData).not.toHaveBeenCalled();
  }
});

test('a newer major is said, with the words saved beside it', async () => {
  const { renderer } = setUp();
  const newer = 'application/vnd.orrery.v2+json';
  const view = renderer(newer);
  await view.renderModel(output(SPEC, true, newer));
  expect(view.node.querySelector('[role=alert]')?.textContent).toContain('its format is version 2');
  expect(view.node.querySelector('pre')?.textContent).toBe('saved words');
});

test('a renderer that is gone before its code has loaded draws nothing', async () => {
  const { models, renderer, opened } = setUp();
  const model = output(SPEC, true);
  models.mean(model);
  const view = renderer();
  const drawn = view.renderModel(model);
  view.dispose();
  await drawn;
  expect(opened()).toBe(0);
});
