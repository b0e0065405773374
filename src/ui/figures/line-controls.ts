import type { PlotlyFigure } from '../../figures/figure';
import { rankedLines } from '../../figures/ranked-lines';
import { element } from '../element';
import { slider } from '../slider';
import type { Translate } from '../translate';

export interface LineControls {
  readonly node: HTMLElement;
  /** How many of the largest lines are drawn. */
  read(): number;
}

/** Fewer are seen at once. */
const LEAST_LINES = 4;

/** How many of a graph's lines are drawn; undefined where it has few, or ranks none. */
export function lineControls(figure: PlotlyFigure, trans: Translate, onChange: () => void): LineControls | undefined {
  const lines = rankedLines(figure.data);
  if (lines < LEAST_LINES) {
    return undefined;
  }
  const said = (count: number): string => trans.__('the largest %1 of %2', count, lines);
  const { node, read } = slider(
    trans.__('Lines'),
    { minimum: 1, maximum: lines, step: 1, value: lines, said },
    onChange
  );
  return { node: element('div', { class: 'jp-orrery-choices' }, node), read };
}
