import type { Shape } from 'plotly.js';

import type { ThemeColours } from '../../figures/theme';
import type { Linking } from './linking';
import type { Region } from './plotly-parts';
import { meets } from './selection';

/** Beyond these, marks would hide what they mark. */
const MOST = 200;

/** Outlines of the regions that are marked: dashed where pointed at, solid where kept, on a casing that stands off every colour. */
export function plotlyMarks(
  regions: readonly Region[],
  { shown, kept }: Linking,
  { background, font }: ThemeColours
): Partial<Shape>[] {
  const marked = regions.filter(({ selection }) => meets(selection, shown)).slice(0, MOST);
  const outline = (box: Region['box'], line: Partial<Shape>['line']): Partial<Shape> =>
    ({ type: 'rect', layer: 'above', ...box, line, fillcolor: 'rgba(0,0,0,0)' }) as Partial<Shape>;
  return marked.flatMap(({ box }) => [
    outline(box, { color: background, width: 5 }),
    outline(box, { color: font, width: 2, dash: kept ? 'solid' : 'dot' })
  ]);
}
