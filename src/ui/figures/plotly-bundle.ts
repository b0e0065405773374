import type * as Core from 'plotly.js/lib/core';

type Plotly = typeof Core;

/**
 * Plotly's modules in the order in which the later need the earlier. Each is evaluated, with what it needs besides, when it is asked for: all of them in one
 * piece would hold the page for a tenth of a second and more.
 */
const PARTS: readonly (() => Promise<unknown>)[] = [
  () => import(/* webpackMode: "eager" */ 'plotly.js/src/components/color'),
  () => import(/* webpackMode: "eager" */ 'plotly.js/src/lib'),
  () => import(/* webpackMode: "eager" */ 'plotly.js/src/components/colorbar/attributes'),
  () => import(/* webpackMode: "eager" */ 'plotly.js/src/traces/scatter'),
  () => import(/* webpackMode: "eager" */ 'plotly.js/src/plots/cartesian'),
  () => import(/* webpackMode: "eager" */ 'plotly.js/src/components/annotations'),
  () => import(/* webpackMode: "eager" */ 'plotly.js/src/components/shapes'),
  () => import(/* webpackMode: "eager" */ 'plotly.js/src/plot_api')
];

/** Plotly with the traces that our figures use, evaluated one part a task; this file is the lazy chunk. */
export async function evaluatePlotly(): Promise<Plotly> {
  for (const part of PARTS) {
    await part();
    await new Promise(resolve => setTimeout(resolve));
  }
  const core = await import(/* webpackMode: "eager" */ 'plotly.js/lib/core');
  const { default: bar } = await import(/* webpackMode: "eager" */ 'plotly.js/lib/bar');
  const { default: heatmap } = await import(/* webpackMode: "eager" */ 'plotly.js/lib/heatmap');
  core.register([bar, heatmap]);
  return core;
}
