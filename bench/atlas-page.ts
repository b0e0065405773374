import { nullTranslator } from '@jupyterlab/translation';

import { atlas } from '../src/figures/atlas';
import type { AtlasFigure } from '../src/figures/figure';
import { random } from '../src/maths/random';
import { atlasView } from '../src/ui/figures/atlas-view';
import { Linking } from '../src/ui/linking/linking';

/** What `atlas.ts` calls in the page. */
export interface AtlasPage {
  /** Milliseconds from the figure's data to the frame that shows it. */
  paint(layers: number, heads: number, tokens: number, size: number): Promise<number>;
  /** Milliseconds that each of so many moves over heads and over cells of the matrix takes until all is drawn. */
  hover(moves: number): number[];
}

/** Causal patterns of random weights, each row mostly on a few keys. */
function figure(layers: number, heads: number, tokens: number, size: number): AtlasFigure {
  const draw = random(7);
  const patterns = new Uint8Array(layers * heads * size * size);
  for (let row = 0; row < layers * heads * size; row++) {
    const seen = (row % size) + 1;
    const weights = Array.from({ length: seen }, () => (draw.next() / 2 ** 32) ** 8);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    weights.forEach((weight, key) => (patterns[row * size + key] = Math.round(255 * Math.sqrt(weight / sum))));
  }
  const words = Array.from({ length: tokens }, (_, at) => ` word${at % 50}`);
  const said = { title: 'Attention patterns', caption: '', alt: '' };
  return atlas({ ...said, layers, heads, tokens: words, causal: true, sink: true, patterns, size });
}

/** After the browser has painted the frame that follows. */
const painted = (): Promise<void> =>
  new Promise(resolve =>
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => resolve();
      port2.postMessage(0);
    })
  );

const page: AtlasPage = {
  async paint(layers, heads, tokens, size) {
    const made = figure(layers, heads, tokens, size);
    await painted();
    const start = performance.now();
    const link = { linking: new Linking(requestAnimationFrame), keeper: {} };
    const { node } = atlasView(made, nullTranslator.load('bench'), link);
    document.getElementById('host')!.replaceChildren(node);
    await painted();
    return performance.now() - start;
  },
  hover(moves) {
    const canvases = [
      ...document.querySelectorAll<HTMLCanvasElement>('.jp-orrery-atlas-grid canvas, .jp-orrery-matrix')
    ];
    return Array.from({ length: moves }, (_, move) => {
      const canvas = canvases[move % 2];
      const { left, top, width, height } = canvas.getBoundingClientRect();
      const [x, y] = [0.3 + 0.6 * ((move * 0.37) % 1), 0.1 + 0.6 * ((move * 0.61) % 1)];
      const event = new PointerEvent('pointermove', {
        clientX: left + x * width,
        clientY: top + y * height,
        bubbles: true
      });
      const start = performance.now();
      canvas.dispatchEvent(event);
      // What the event changed is laid out here, and not in the next frame.
      document.body.getBoundingClientRect();
      canvas.getContext('2d')?.getImageData(0, 0, 1, 1);
      return performance.now() - start;
    });
  }
};

Object.assign(window, { atlasPage: page });
