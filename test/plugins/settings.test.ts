/** @jest-environment ./test/jsdom.cjs */
import 'jest-canvas-mock';

import { readFileSync } from 'node:fs';

import { heatmaps } from '../../src/figures/heatmaps';
import { rankedBars } from '../../src/figures/ranked-bars';
import { inDigits, USUAL_CHOICES } from '../../src/figures/reader-choices';
import { LIGHT, themed } from '../../src/figures/theme';
import { Settings } from '../../src/plugins/settings';
import { figureView } from '../../src/ui/figures/figure-view';
import { onThemeChange, pageColours } from '../../src/ui/figures/page-theme';
import { setReaderChoices } from '../../src/ui/figures/reader-choices';
import { ModelManager } from '../../src/worker/model-manager';
import { trans } from '../ui/translate';

const SCHEMA = JSON.parse(readFileSync('schema/models.json', 'utf8')) as {
  properties: Record<string, { default: unknown; title: string; description: string }>;
};
const given = (values: Readonly<Record<string, unknown>>): Settings =>
  new Settings({ get: (name: string) => ({ composite: values[name] }), changed: { connect: () => true } } as never);
const common = { title: 't', caption: 'c', alt: 'a' };

afterEach(() => setReaderChoices(USUAL_CHOICES));

test('a page without settings has the schema’s defaults', () => {
  const defaults = Object.fromEntries(Object.entries(SCHEMA.properties).map(([name, { default: own }]) => [name, own]));
  const [without, with_] = [new Settings(undefined), given(defaults)];
  expect([without.budget, without.limits, without.choices]).toEqual([with_.budget, with_.limits, with_.choices]);
  expect(without.choices).toEqual(USUAL_CHOICES);
  expect(Object.keys(SCHEMA.properties).sort()).toEqual(
    ['digits', 'diverging', 'memory', 'outputBudget', 'sequential', 'threads'].sort()
  );
});

test('size of a saved output', () => {
  expect(given({ outputBudget: 50 }).budget).toBe(50_000);
});

test('threads and memory reach the worker when a model is opened, as they are then', () => {
  const sent: unknown[] = [];
  const createWorker = () => ({
    postMessage: (message: unknown) => void sent.push(message),
    terminate: () => undefined,
    onmessage: null,
    onerror: null,
    onmessageerror: null
  });
  const values: Record<string, unknown> = { threads: 2, memory: 512 };
  const settings = given(values);
  const manager = new ModelManager({ createWorker, assets: { wasm: 'w', mjs: 'm' }, limits: () => settings.limits });
  const client = manager.get('m', async () => ({ label: 'm', files: [], headers: {} }));
  const opened = async (): Promise<unknown> => {
    void client.open().catch(() => undefined);
    await new Promise(resolve => setTimeout(resolve, 5));
    client.close();
    return (sent.at(-1) as { assets: unknown }).assets;
  };
  return opened().then(async first => {
    expect(first).toEqual({ wasm: 'w', mjs: 'm', threads: 2, memory: 512 * 2 ** 20 });
    values.threads = 4;
    expect(await opened()).toMatchObject({ threads: 4 });
  });
});

describe('colours and digits', () => {
  const panel = { title: 'p', values: [[1.23456, -1]], unit: 'u' };
  const axes = {
    rows: { title: 'r', labels: ['0'] },
    columns: { title: 'c', labels: ['0', '1'] },
    cell: (_: number, column: number) => `L0H${column}`
  };
  const sizes = heatmaps({ ...common, ...axes, panels: [{ ...panel, range: [0, 2] }] });
  const signed = heatmaps({ ...common, ...axes, panels: [{ ...panel, range: [-2, 2], signed: true }] });
  const bars = rankedBars({
    ...common,
    x: 'x',
    bars: [
      { name: 'a', value: 1 },
      { name: 'b', value: -1 }
    ]
  });
  const drawn = (figure: typeof sizes) =>
    themed(figure, pageColours()).data[0] as unknown as {
      colorscale: [number, string][];
      hovertemplate: string;
      marker: { color: string[] };
    };

  test('the usual ones are the builders’', () => {
    for (const figure of [sizes, signed, bars]) {
      expect(themed(figure, pageColours()).data).toEqual(themed(figure, LIGHT).data);
    }
  });

  test('of sizes', () => {
    setReaderChoices({ ...USUAL_CHOICES, sequential: 'viridis' });
    expect(
      drawn(sizes)
        .colorscale.map(([, colour]) => colour)
        .slice(0, 2)
    ).toEqual(['#440154', '#482878']);
    expect(drawn(signed).colorscale[0][1]).toBe('#67001f');
  });

  test('of signs, in maps and bars', () => {
    setReaderChoices({ ...USUAL_CHOICES, diverging: 'orange-purple' });
    expect(drawn(signed).colorscale[0]).toEqual([0, '#7f3b08']);
    expect(drawn(signed).colorscale).toHaveLength(11);
    expect(drawn(sizes).colorscale[0][1]).toBe('#00224e');
    expect(drawn(bars).marker.color).toEqual(['#8073ac', '#e08214']);
  });

  test('saved pictures keep theirs', () => {
    setReaderChoices({ sequential: 'viridis', diverging: 'orange-purple', digits: 7 });
    expect(JSON.stringify(themed(signed, LIGHT).data)).not.toContain('#7f3b08');
  });

  test('of numbers', () => {
    setReaderChoices({ ...USUAL_CHOICES, digits: 5 });
    expect(drawn(sizes).hovertemplate).toBe('%{hovertext}: %{z:.5r}<extra></extra>');
    expect(drawn(signed).hovertemplate).toBe('%{hovertext}: %{z:+.5r}<extra></extra>');
    const table = { columns: ['head', 'x', 'n'], rows: [['L0H0', 0.123456789, 1234567]], omitted: 0 };
    const { node } = figureView({ ...common, kind: 'text', lines: [], table }, trans, { under: '' });
    expect(Array.from(node.querySelectorAll('td'), cell => cell.textContent)).toEqual(['L0H0', '0.12346', '1234567']);
    expect([inDigits(0.00012345, 3, 'u'), inDigits(1234.5, 2, 'u'), inDigits(1.5, 0, 'u')]).toEqual([
      '0.000123',
      '1200',
      'u'
    ]);
  });

  test('figures that are drawn follow', () => {
    const listener = jest.fn();
    const end = onThemeChange(listener);
    setReaderChoices({ ...USUAL_CHOICES, sequential: 'viridis' });
    expect(listener).toHaveBeenCalledTimes(1);
    end();
    setReaderChoices(USUAL_CHOICES);
    expect(listener).toHaveBeenCalledTimes(1);
  });
});
