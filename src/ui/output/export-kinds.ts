import type { Figure } from '../../figures/figure';
import { figureCsv } from '../../report/figure-csv';
import type { Translate } from '../translate';
import type { ExportKind } from './export-output';

/** The files that these figures can become, each in a few words; none that would be empty. */
export function exportKinds(figures: readonly Figure[], trans: Translate): readonly (readonly [ExportKind, string])[] {
  const pictured = figures.filter(({ kind }) => kind !== 'text');
  const drawn = pictured.every(({ kind }) => kind === 'plotly');
  const kinds: readonly (readonly [ExportKind, string, boolean])[] = [
    ['png', trans.__('PNG, a picture'), pictured.length > 0],
    [
      'svg',
      drawn ? trans.__('SVG, a drawing') : trans.__('SVG, atlases and tables as pictures inside'),
      pictured.length > 0
    ],
    ['csv', trans.__('CSV, the numbers'), figures.some(figure => figureCsv(figure) !== undefined)],
    ['html', trans.__('HTML, a page of its own'), true]
  ];
  return kinds.flatMap(([kind, words, is]) => (is ? [[kind, words] as const] : []));
}
