import type { Config, Data, Layout, LayoutAxis } from 'plotly.js';
import { inkedCells } from './cell-ink';
import type { PlotlyFigure } from './figure';
import type { MapScale } from './map-scale';
import { scaledMap, USUAL_MAP_SCALE } from './map-scale';
import { CYCLE_DARK, CYCLE_LIGHT } from './palettes';
import { plotlyText } from './plotly-text';
import type { ReaderChoices } from './reader-choices';
import { asChosen } from './reader-choices';

/** Resolved colours (Plotly does not read CSS variables) of the page that a figure is drawn on. */
export interface ThemeColours {
  readonly dark: boolean;
  readonly background: string;
  readonly font: string;
  readonly fontFamily: string;
  /** Lines of axes and frames. */
  readonly border: string;
  /** Lines behind the data, fainter than the axes. */
  readonly grid: string;
  readonly hoverBackground: string;
  /** Absent: as the figures have it. */
  readonly choices?: ReaderChoices;
}

export interface ThemedFigure {
  readonly data: Partial<Data>[];
  readonly layout: Partial<Layout>;
  readonly config: Partial<Config>;
}

/** Of pictures that are saved: opaque white, whatever the page's theme. */
export const LIGHT: ThemeColours = {
  dark: false,
  background: '#ffffff',
  font: '#1f1f1f',
  fontFamily: 'system-ui, sans-serif',
  border: '#bdbdbd',
  grid: '#e0e0e0',
  hoverBackground: '#f5f5f5'
};

/** Of pictures that are saved. */
export const EXPORTED_WIDTH = 760;

/** Nothing leaves the page and no logo; resizing is the view's own, because Plotly's listener leaks. */
const CONFIG = {
  showSendToCloud: false,
  plotlyServerURL: '',
  displaylogo: false,
  responsive: false,
  typesetMath: false,
  // Nothing here takes a selection; the axes' own range is what 'reset' gives back.
  modeBarButtonsToRemove: ['select2d', 'lasso2d', 'autoScale2d']
} as const;

export interface DrawnHow {
  /** Pixels. */
  readonly width?: number;
  /** Of its maps. */
  readonly scale?: MapScale;
}

/** The figure as Plotly takes it. The title stays out: the view writes it as text above the drawing. */
export function themed(
  figure: PlotlyFigure,
  colours: ThemeColours,
  { width = EXPORTED_WIDTH, scale = USUAL_MAP_SCALE }: DrawnHow = {}
): ThemedFigure {
  const layout: Partial<Layout> = {
    ...figure.layout,
    height: figure.height,
    autosize: true,
    paper_bgcolor: colours.background,
    plot_bgcolor: colours.background,
    font: { family: colours.fontFamily, color: colours.font, size: 12 },
    hoverlabel: { bgcolor: colours.hoverBackground, bordercolor: colours.border, font: { color: colours.font } },
    modebar: { bgcolor: 'rgba(0,0,0,0)', color: colours.font, activecolor: colours.font }
  };
  for (const [name, axis] of Object.entries(figure.layout)) {
    if (/^[xy]axis\d*$/.test(name)) {
      Object.assign(layout, { [name]: axisOf(axis as Partial<LayoutAxis>, colours) });
    }
  }
  const { choices } = colours;
  const chosen = choices ? figure.data.map(trace => asChosen(trace, choices, colours.dark)) : figure.data;
  return {
    data: coloured(
      inkedCells(
        chosen.map(trace => scaledMap(trace, scale)),
        width
      ),
      colours
    ),
    layout,
    config: { ...CONFIG, ...figure.config } as Partial<Config>
  };
}

/** Plotly.validate refuses colours of what is not drawn. */
function axisOf(axis: Partial<LayoutAxis>, { border, grid }: ThemeColours): Partial<LayoutAxis> {
  return { ...axis, linecolor: border, automargin: true, ...(axis.showgrid === false ? {} : { gridcolor: grid }) };
}

/** The same with its title inside the picture, for saving. */
export function forExport(figure: PlotlyFigure): ThemedFigure {
  const { data, layout, config } = themed(figure, LIGHT);
  const margin = { ...layout.margin, t: (layout.margin?.t ?? 40) + 30 };
  const title = { text: plotlyText(figure.title), x: 0.01, xanchor: 'left', y: 0.98, yanchor: 'top' } as const;
  return { data, layout: { ...layout, title, margin, height: figure.height + 30 }, config };
}

/** Groups are numbered where some of them have nothing to draw, so that the others keep their colours from figure to figure. */
const NUMBERED = /^series (\d+)$/;

/** One colour of the cycle for each group of scatter traces that have none of their own. */
function coloured(data: readonly Partial<Data>[], { dark }: ThemeColours): Partial<Data>[] {
  const cycle = dark ? CYCLE_DARK : CYCLE_LIGHT;
  const groups = [
    ...new Set(
      data.flatMap(trace => (trace.type === 'scatter' && trace.line?.color === undefined ? [trace.legendgroup] : []))
    )
  ];
  return data.map(trace => {
    if (trace.type !== 'scatter' || trace.line?.color !== undefined) {
      return trace;
    }
    const number = NUMBERED.exec(trace.legendgroup ?? '')?.[1];
    const color = cycle[(number ? Number(number) : groups.indexOf(trace.legendgroup)) % cycle.length];
    const line = trace.mode?.includes('lines') ? { line: { ...trace.line, color } } : {};
    const marker = trace.mode?.includes('markers') ? { marker: { ...trace.marker, color } } : {};
    return { ...trace, ...marker, ...line };
  });
}
