import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import type { Browser, Page } from '@playwright/test';
import { unzipSync } from 'fflate';

const FOLDER = '.cache/peers';
const WHEELS = ['bertviz==1.4.1', 'circuitsvis==1.43.3'];
/** What BertViz's script loads from a CDN; jQuery 2.0.0 is not on npm, 2.2.4 is the last of its line. */
const LIBRARIES = ['d3@5.7.0', 'jquery@2.2.4', 'requirejs@2.3.6'];
const SERVED = { d3: 'd3/dist/d3.min.js', jquery: 'jquery/dist/jquery.min.js' };
/** The pages wait no longer for a peer's last thumbnail. */
const PATIENCE = 240_000;

/** Another tool that draws attention, in a page of its own. */
export interface Peer {
  readonly name: string;
  /** Milliseconds from the patterns' data to the frame that shows all of their thumbnails. */
  paint(browser: Browser, shape: PeerShape): Promise<number>;
}

export interface PeerShape {
  readonly layers: number;
  readonly heads: number;
  readonly tokens: number;
}

type PeerWindow = Window & {
  patterns: number[][][][];
  words: string[];
  /** After the browser has painted the frame that follows. */
  painted(): Promise<void>;
  /** Milliseconds since `start` when so many elements are there and painted. */
  shown(selector: string, count: number, start: number): Promise<number>;
};

/** The packages as their authors publish them, without what they depend on in Python. */
function fetchPackages(): Record<'bertviz' | 'circuitsvis' | 'requirejs', string> {
  const libraries = join(FOLDER, 'node_modules');
  mkdirSync(FOLDER, { recursive: true });
  if (!existsSync(libraries)) {
    execFileSync('npm', ['install', '--silent', '--ignore-scripts', '--prefix', FOLDER, ...LIBRARIES]);
  }
  const wheel = (name: string): string | undefined => readdirSync(FOLDER).find(file => file.startsWith(`${name}-`));
  if (!wheel('bertviz') || !wheel('circuitsvis')) {
    execFileSync('python3', ['-m', 'pip', 'download', '-qq', '--no-deps', '-d', FOLDER, ...WHEELS]);
  }
  const inside = (name: string, path: string): string =>
    new TextDecoder().decode(unzipSync(readFileSync(join(FOLDER, wheel(name)!)))[path]);
  return {
    bertviz: inside('bertviz', 'bertviz/model_view.js'),
    circuitsvis: inside('circuitsvis', 'circuitsvis/dist/cdn/iife.js'),
    requirejs: readFileSync(join(libraries, 'requirejs/require.js'), 'utf8')
  };
}

/** A page that holds the same patterns for each peer, and waits for painted frames. */
async function pageWithPatterns(browser: Browser, shape: PeerShape): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
  await page.setContent('<div id="root"><div id="vis"></div></div>');
  await page.evaluate(
    ({ layers, heads, tokens, patience }) => {
      const target = window as unknown as PeerWindow;
      let state = 7;
      const draw = (): number => (state = (state * 48271) % 2147483647) / 2147483647;
      const row = (query: number): number[] => {
        const weights = Array.from({ length: tokens }, (_, key) => (key > query ? 0 : draw() ** 8));
        const sum = weights.reduce((total, weight) => total + weight, 0);
        return weights.map(weight => weight / sum);
      };
      const fill = <T>(length: number, make: (at: number) => T): T[] => Array.from({ length }, (_, at) => make(at));
      target.patterns = fill(layers, () => fill(heads, () => fill(tokens, row)));
      target.words = fill(tokens, at => ` word${at % 50}`);
      target.painted = () =>
        new Promise(resolve =>
          requestAnimationFrame(() => {
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = () => resolve();
            port2.postMessage(0);
          })
        );
      target.shown = async (selector, count, start) => {
        while (document.querySelectorAll(selector).length < count) {
          await target.painted();
          if (performance.now() - start > patience) {
            throw new Error(`fewer than ${count} of '${selector}' after ${patience} ms`);
          }
        }
        await target.painted();
        return performance.now() - start;
      };
    },
    { ...shape, patience: PATIENCE }
  );
  return page;
}

/** BertViz (Vig 2019): all heads of all layers, a line for each pair of tokens. */
const bertviz = (script: string, requirejs: string): Peer => ({
  name: 'BertViz model_view',
  async paint(browser, shape) {
    const page = await pageWithPatterns(browser, shape);
    try {
      for (const [name, path] of Object.entries(SERVED)) {
        await page.route(new RegExp(`cdnjs.*/${name}\\.min`), route =>
          route.fulfill({ path: join(FOLDER, 'node_modules', path), contentType: 'text/javascript' })
        );
      }
      await page.addScriptTag({ content: requirejs });
      const source = script.replace('PYTHON_PARAMS', 'window.peerParams');
      return await page.evaluate(
        async ({ code, count, layers, heads }) => {
          const target = window as unknown as PeerWindow & {
            peerParams: unknown;
            require: { config(paths: unknown): void } & ((names: string[], then: () => void) => void);
          };
          const range = (length: number): number[] => Array.from({ length }, (_, at) => at);
          target.peerParams = {
            attention: [{ name: null, attn: target.patterns, left_text: target.words, right_text: target.words }],
            default_filter: '0',
            display_mode: 'light',
            root_div_id: 'root',
            include_layers: range(layers),
            include_heads: range(heads),
            total_heads: heads
          };
          const [settings] = /require\.config\([^]*?\}\);/.exec(code)!;
          new Function(settings)();
          await new Promise<void>(resolve => target.require(['jquery', 'd3'], resolve));
          await target.painted();
          const start = performance.now();
          new Function(code)();
          return target.shown('.attn_background', count, start);
        },
        { code: source, count: shape.layers * shape.heads, layers: shape.layers, heads: shape.heads }
      );
    } finally {
      await page.close();
    }
  }
});

/** CircuitsVis (Cooney & Nanda 2023): a small heatmap for each head. */
const circuitsvis = (script: string): Peer => ({
  name: 'CircuitsVis attention_heads',
  async paint(browser, shape) {
    const page = await pageWithPatterns(browser, shape);
    try {
      await page.addScriptTag({ content: `${script}\nwindow.CircuitsVis = CircuitsVis;` });
      return await page.evaluate(async count => {
        const target = window as unknown as PeerWindow & {
          CircuitsVis: { render(id: string, element: unknown, props: unknown): void; AttentionHeads: unknown };
        };
        await target.painted();
        const start = performance.now();
        const { render, AttentionHeads } = target.CircuitsVis;
        render('root', AttentionHeads, { attention: target.patterns.flat(), tokens: target.words, maskUpperTri: true });
        return target.shown('#root canvas, #root img', count, start);
      }, shape.layers * shape.heads);
    } finally {
      await page.close();
    }
  }
});

/** The peers of the atlas, from PyPI and npm into `.cache/peers`. */
export const peers = (): readonly Peer[] => {
  const code = fetchPackages();
  return [bertviz(code.bertviz, code.requirejs), circuitsvis(code.circuitsvis)];
};
