import type { PlotlyFigure } from '../figures/figure';
import { themed } from '../figures/theme';
import { element } from './element';
import { loadPlotly } from './load-plotly';
import { pageColours } from './page-theme';
import type { View } from './view';

/** Drawn when it first has a width, resized with its node, purged when disposed of. */
export function plotlyView(figure: PlotlyFigure): View {
  const node = element('div', {
    class: 'jp-orrery-plotly',
    role: 'group',
    'aria-label': figure.alt,
    style: `min-height:${figure.height}px;min-width:${narrowest(figure)}px`
  });
  let disposed = false;
  let drawn = false;
  let width = 0;
  const draw = async (): Promise<void> => {
    const Plotly = await loadPlotly();
    if (!disposed && node.offsetWidth > 0) {
      const { data, layout, config } = themed(figure, pageColours());
      drawn = true;
      await Plotly.react(node, data, { ...layout, width: node.offsetWidth }, config);
    }
  };
  const observer = new ResizeObserver(() => {
    if (node.offsetWidth !== width) {
      width = node.offsetWidth;
      void draw();
    }
  });
  observer.observe(node);
  return {
    node,
    recolour: () => {
      // JupyterLab hides the page while it changes the theme: observing anew calls once there is a width again.
      width = 0;
      observer.unobserve(node);
      observer.observe(node);
    },
    dispose: () => {
      disposed = true;
      observer.disconnect();
      if (drawn) {
        void loadPlotly().then(Plotly => Plotly.purge(node));
      }
    }
  };
}

/** Maps side by side would run into each other: they scroll instead. */
const narrowest = ({ data }: PlotlyFigure): number => 190 * data.filter(({ type }) => type === 'heatmap').length;
