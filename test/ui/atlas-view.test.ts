/** @jest-environment ./test/jsdom.cjs */
import 'jest-canvas-mock';

import { atlas } from '../../src/figures/atlas';
import { atlasView } from '../../src/ui/figures/atlas-view';
import { Linking } from '../../src/ui/linking/linking';
import { trans } from './translate';

let resized: () => void = () => undefined;

beforeAll(() => {
  globalThis.ResizeObserver = class {
    constructor(listener: () => void) {
      resized = listener;
    }
    observe(): void {}
    unobserve(): void {}
    disconnect(): void {}
  } as never;
});

const TOKENS = ['a', ' b', '<i>', ' d'];

/** 2 layers × 3 heads; every row looks at its own token. */
function shown(pooled = false) {
  const size = 4;
  const figure = atlas({
    title: 't',
    caption: 'c',
    alt: 'a',
    layers: 2,
    heads: 3,
    tokens: pooled ? [...TOKENS, ' e'] : TOKENS,
    causal: true,
    sink: true,
    patterns: Uint8Array.from({ length: 6 * size * size }, (_, i) => ((i % 16) % 5 === 0 ? 255 : 0)),
    size,
    scores: [{ id: 'x', label: 'Score', what: 'what it is', values: [0.1, 0.9, 0.3, NaN, 0.5, 0.7] }]
  });
  const view = atlasView(figure, trans, { linking: new Linking(requestAnimationFrame), keeper: {} });
  document.body.replaceChildren(view.node);
  const $ = <T extends HTMLElement>(selector: string): T => view.node.querySelector<T>(selector)!;
  const choose = (label: string, value: string): void => {
    const select = $<HTMLSelectElement>(`select[aria-label="${label}"]`);
    select.value = value;
    select.dispatchEvent(new Event('change'));
  };
  const press = (node: HTMLElement, key: string, more: KeyboardEventInit = {}): boolean =>
    node.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }));
  const active = (): string => $('[role=gridcell]').getAttribute('aria-label')!;
  return { view, $, choose, press, active, grid: $('[role=grid]'), matrix: $('.jp-orrery-matrix') };
}

describe('the grid of heads', () => {
  test('heads take a share of a wide page, and all fit it', () => {
    const { view, $ } = shown();
    const side = (): number => parseFloat($('[role=gridcell]').style.width);
    const before = side();
    const width = (pixels: number): void => {
      Object.defineProperty(view.node, 'clientWidth', { value: pixels, configurable: true });
      resized();
    };
    width(1200);
    expect(side()).toBe(before);
    width(2000);
    expect(side()).toBeGreaterThan(1.5 * before);
    const across = (): number => parseFloat($('.jp-orrery-atlas-grid > canvas').style.width);
    expect(across()).toBeLessThan(0.42 * 2000);
    width(240);
    expect(across()).toBeLessThan(240 - 30);
  });

  test('of many tokens the matrix stays within the window of a wide page', () => {
    const size = 120;
    const figure = atlas({
      title: 't',
      caption: 'c',
      alt: 'a',
      layers: 1,
      heads: 1,
      tokens: Array.from({ length: size }, (_, at) => ` ${at}`),
      causal: true,
      sink: true,
      patterns: new Uint8Array(size * size),
      size
    });
    const { node } = atlasView(figure, trans, { linking: new Linking(requestAnimationFrame), keeper: {} });
    Object.defineProperty(node, 'clientWidth', { value: 2500 });
    resized();
    const side = parseFloat(node.querySelector<HTMLElement>('.jp-orrery-matrix')!.style.width);
    expect(side).toBeGreaterThan(500);
    expect(side).toBeLessThan(window.innerHeight);
  });

  test('arrows, Home, End and their far forms move; Enter keeps, Esc lets go and then is not ours', () => {
    const { grid, press, active, $ } = shown();
    press(grid, 'Home', { ctrlKey: true });
    expect(active()).toBe('Layer 0, head 0');
    press(grid, 'End', { ctrlKey: true });
    expect(active()).toBe('Layer 1, head 2');
    press(grid, 'ArrowUp');
    press(grid, 'ArrowLeft');
    expect(active()).toBe('Layer 0, head 1');
    press(grid, 'Enter');
    expect($('[role=gridcell]').getAttribute('aria-selected')).toBe('true');
    expect($('.jp-orrery-atlas-name').textContent).toBe('L0H1, kept');
    expect(press(grid, 'Escape')).toBe(false);
    expect(press(grid, 'Escape')).toBe(true);
  });

  test('sorted by a score: the best first, heads without one left out, place and value said', () => {
    const { grid, choose, press, active, $ } = shown();
    choose('Heads', 'x -');
    expect(active()).toBe('Layer 0, head 1, Score 0.90, place 1');
    // As many as 520 pixels hold.
    expect(grid.getAttribute('aria-colcount')).toBe('4');
    press(grid, 'ArrowRight');
    expect(active()).toBe('Layer 1, head 2, Score 0.70, place 2');
    press(grid, 'End', { ctrlKey: true });
    expect(active()).toBe('Layer 0, head 0, Score 0.10, place 5');
    expect($('.jp-orrery-choices').textContent).toContain('what it is');
    choose('Heads', 'x +');
    expect(active()).toContain('Score 0.10, place 1');
    choose('Heads', '');
    expect(active()).toBe('Layer 0, head 0');
  });
});

describe('the chosen head', () => {
  test('says query, key and weight by keyboard; renormalised rows say so in their weights', () => {
    const { matrix, press, choose, $ } = shown();
    press(matrix, 'Home', { ctrlKey: true });
    expect($('.jp-orrery-atlas-detail > .jp-orrery-readout').textContent).toMatch(/‘a’ \(0\).*weight/);
    choose('First token', 'renormalised');
    press(matrix, 'Home', { ctrlKey: true });
    expect($('.jp-orrery-atlas-detail > .jp-orrery-readout').textContent).toContain('weight 0.000');
  });

  test('a key that the mask forbids is said so, or has its weight of zero', () => {
    const { matrix, press, $ } = shown();
    const said = (): string => $('.jp-orrery-atlas-detail > .jp-orrery-readout').textContent!;
    press(matrix, 'Home', { ctrlKey: true });
    press(matrix, 'ArrowRight');
    expect(said()).toContain('masked: the key comes later');
    const mask = $<HTMLInputElement>('input[aria-label="Causal mask"]');
    expect(mask.checked).toBe(true);
    mask.click();
    expect(said()).toContain('weight 0.000');
  });

  test('colours: the scale and its ends are said beside the ramp', () => {
    const { choose, $ } = shown();
    const bar = (): string => $('.jp-orrery-atlas-detail > .jp-orrery-colourbar').textContent!;
    expect(bar()).toBe('attention weight, square root01');
    choose('Colours', 'log');
    expect(bar()).toBe('attention weight, logarithmic≤ 0.0011');
    choose('Colours', 'linear');
    choose('Up to', 'most');
    expect(bar()).toBe('attention weight, linear0≥ 1');
  });

  test('as lines: a token is reached, says where it looks, and is kept; tokens are text', () => {
    const { $, press, view } = shown();
    const box = $<HTMLInputElement>('.jp-orrery-atlas-title input');
    box.checked = true;
    box.dispatchEvent(new Event('change'));
    const options = [...view.node.querySelectorAll<HTMLElement>('.jp-orrery-lines-query [role=option]')];
    expect(options.map(({ textContent }) => textContent)).toEqual(['a0', ' b1', '<i>2', ' d3']);
    options[0].focus();
    press(options[0], 'ArrowDown');
    expect(document.activeElement).toBe(options[1]);
    const said = (): string => $('.jp-orrery-lines > .jp-orrery-readout').textContent!;
    expect(said()).toBe('‘ b’ (1) looks at: ‘ b’ (1) 1.00');
    press(options[1], 'ArrowRight');
    expect(said()).toBe('‘ b’ (1) is looked at by: ‘ b’ (1) 1.00');
    press(document.activeElement as HTMLElement, 'Enter');
    expect(document.activeElement!.getAttribute('aria-selected')).toBe('true');
    expect(press(document.activeElement as HTMLElement, 'Escape')).toBe(false);
    expect(document.activeElement!.getAttribute('aria-selected')).toBe('false');
  });

  test('pooled patterns are not renormalised', () => {
    const { $ } = shown(true);
    const options = [...$<HTMLSelectElement>('select[aria-label="First token"]').options].map(({ value }) => value);
    expect(options).toEqual(['shown', 'hidden']);
  });
});

describe('keys of another sequence', () => {
  function crossing() {
    const figure = atlas({
      title: 't',
      caption: 'c',
      alt: 'a',
      layers: 1,
      heads: 1,
      tokens: ['x', 'y'],
      keys: { tokens: ['a', 'b', 'c'], size: 3 },
      causal: false,
      sink: true,
      patterns: Uint8Array.of(0, 0, 255, 0, 255, 0),
      size: 2
    });
    const view = atlasView(figure, trans, { linking: new Linking(requestAnimationFrame), keeper: {} });
    document.body.replaceChildren(view.node);
    return view.node;
  }
  const press = (node: Element, key: string, more: KeyboardEventInit = {}): boolean =>
    node.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }));

  test('keys walk queries and keys to their own ends', () => {
    const node = crossing();
    const matrix = node.querySelector('.jp-orrery-matrix')!;
    const said = (): string => node.querySelector('.jp-orrery-atlas-detail > .jp-orrery-readout')!.textContent!;
    press(matrix, 'End', { ctrlKey: true });
    expect(said()).toBe('L0H0 · query ‘y’ (1) · key ‘c’ (2) · weight 0.000');
    press(matrix, 'ArrowLeft');
    expect(said()).toBe('L0H0 · query ‘y’ (1) · key ‘b’ (1) · weight 1.000');
  });

  test('without a mask the box is off, and why is said', () => {
    const mask = crossing().querySelector<HTMLInputElement>('input[aria-label="Causal mask"]')!;
    expect([mask.checked, mask.disabled]).toEqual([false, true]);
    expect(mask.parentElement!.textContent).toBe('Masknone: queries see all keys');
  });

  test('lines join two columns of tokens', () => {
    const node = crossing();
    const box = node.querySelector<HTMLInputElement>('.jp-orrery-atlas-title input')!;
    box.checked = true;
    box.dispatchEvent(new Event('change'));
    const columns = ['query', 'key'].map(side => node.querySelectorAll(`.jp-orrery-lines-${side} [role=option]`));
    expect(columns.map(({ length }) => length)).toEqual([2, 3]);
    (columns[1][2] as HTMLElement).focus();
    const said = (): string => node.querySelector('.jp-orrery-lines > .jp-orrery-readout')!.textContent!;
    expect(said()).toBe('‘c’ (2) is looked at by: ‘x’ (0) 1.00');
    press(columns[1][2], 'ArrowLeft');
    expect(document.activeElement).toBe(columns[0][1]);
    expect(said()).toBe('‘y’ (1) looks at: ‘b’ (1) 1.00');
  });
});
