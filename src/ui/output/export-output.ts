import type { Figure } from '../../figures/figure';
import { forExport } from '../../figures/theme';
import { makeBundle } from '../../report/bundle';
import { figureCsv } from '../../report/figure-csv';
import { htmlPage } from '../../report/html-page';
import { pictureSvg } from '../../report/picture-svg';
import type { CheckedPayload } from '../../report/validate-payload';
import { loadPlotly } from '../figures/load-plotly';
import { picture } from '../figures/picture';

export type ExportKind = 'png' | 'svg' | 'csv' | 'html';

export interface ExportedFile {
  readonly name: string;
  readonly content: BlobPart;
  readonly type: string;
}

/** Bytes of a page that holds every picture. */
const PAGE_BUDGET = 50_000_000;

/** An output's figures as files, light on white: one a figure, or one page. Empty where no figure has this form. */
export async function exportOutput(checked: CheckedPayload, kind: ExportKind): Promise<readonly ExportedFile[]> {
  const { analysis, payload, spec } = checked;
  const figures = analysis.figures(payload.result, spec);
  if (kind === 'html') {
    const pictures = [];
    for (const figure of figures) {
      pictures.push(await picture(figure));
    }
    const page = htmlPage(analysis.title, makeBundle(checked, { pictures, budget: PAGE_BUDGET }));
    return [{ name: `${analysis.id}.html`, content: page, type: 'text/html' }];
  }
  const files: ExportedFile[] = [];
  for (const [i, figure] of figures.entries()) {
    const made = await MAKE[kind](figure);
    const name = figures.length > 1 ? `${analysis.id}-${i + 1}.${kind}` : `${analysis.id}.${kind}`;
    files.push(...(made === undefined ? [] : [{ name, ...made }]));
  }
  return files;
}

type Made = Omit<ExportedFile, 'name'> | undefined;

const MAKE: Readonly<Record<Exclude<ExportKind, 'html'>, (figure: Figure) => Promise<Made>>> = {
  png: async figure => {
    const made = await picture(figure);
    return made && { content: Uint8Array.from(atob(made.png), char => char.charCodeAt(0)), type: 'image/png' };
  },
  svg: async figure => {
    if (figure.kind !== 'plotly') {
      const made = await picture(figure);
      return made && { content: pictureSvg(figure, made), type: 'image/svg+xml' };
    }
    const Plotly = await loadPlotly();
    const { data, layout, config } = forExport(figure);
    const size = { width: 760, height: layout.height ?? figure.height };
    const url = await Plotly.toImage({ data, layout: { ...layout, ...size }, config }, { format: 'svg', ...size });
    return { content: decodeURIComponent(url.slice(url.indexOf(',') + 1)), type: 'image/svg+xml' };
  },
  csv: async figure => {
    const content = figureCsv(figure);
    return content === undefined ? undefined : { content, type: 'text/csv;charset=utf-8' };
  }
};
