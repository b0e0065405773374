import type { PlotlyFigure } from '../../figures/figure';
import type { MapScale } from '../../figures/map-scale';
import { choices } from '../choices';
import { element } from '../element';
import type { Translate } from '../translate';

export interface MapControls {
  readonly node: HTMLElement;
  read(): MapScale;
}

/** In a smaller map every cell is seen whatever its colour, and none is one of a hundred. */
const LEAST_CELLS = 100;

/** How the numbers of a large map become colours; undefined where the figure has none. */
export function mapControls(figure: PlotlyFigure, trans: Translate, onChange: () => void): MapControls | undefined {
  if (!figure.data.some(trace => cellsOf(trace) >= LEAST_CELLS)) {
    return undefined;
  }
  const transfer = choices<MapScale['transfer']>(trans.__('Colours'), [
    ['linear', trans.__('linear')],
    ['root', trans.__('square root')]
  ]);
  const range = choices<MapScale['range']>(trans.__('Up to'), [
    ['usual', trans.__('full range')],
    ['most', trans.__('99 % of cells')]
  ]);
  [transfer, range].forEach(({ select }) => select.addEventListener('change', onChange));
  return {
    node: element('div', { class: 'jp-orrery-choices' }, transfer.node, range.node),
    read: () => ({ transfer: transfer.read(), range: range.read() })
  };
}

function cellsOf(trace: PlotlyFigure['data'][number]): number {
  const { z } = trace as { readonly z?: readonly (readonly unknown[])[] };
  return trace.type === 'heatmap' ? (z ?? []).reduce((sum, row) => sum + row.length, 0) : 0;
}
