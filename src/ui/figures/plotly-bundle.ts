import bar from 'plotly.js/lib/bar';
import * as core from 'plotly.js/lib/core';
import heatmap from 'plotly.js/lib/heatmap';

/** The traces that our figures use; this file is the lazy chunk. */
core.register([bar, heatmap]);

export const Plotly = core;
