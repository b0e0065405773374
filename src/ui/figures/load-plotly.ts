import type * as Plotly from 'plotly.js/lib/core';

let loading: Promise<typeof Plotly> | undefined;

/** Plotly, fetched when the first figure needs it. */
export const loadPlotly = (): Promise<typeof Plotly> =>
  (loading ??= import('./plotly-bundle').then(({ evaluatePlotly }) => evaluatePlotly()));
