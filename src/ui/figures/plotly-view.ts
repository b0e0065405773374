import type { Layout, PlotlyHTMLElement } from 'plotly.js';

import type { PlotlyFigure } from '../../figures/figure';
import { firstLines } from '../../figures/ranked-lines';
import { themed } from '../../figures/theme';
import { thinnedTicks } from '../../figures/ticks';
import { element } from '../element';
import type { Link } from '../linking/linking';
import type { PlotlyCursor } from '../linking/plotly-cursor';
import { plotlyCursor } from '../linking/plotly-cursor';
import { plotlyMarks } from '../linking/plotly-marks';
import type { PlotlyParts } from '../linking/plotly-parts';
import { plotlyParts } from '../linking/plotly-parts';
import type { PointedAt } from '../linking/plotly-points';
import { NOTHING } from '../linking/selection';
import { inTurn } from './in-turn';
import type { LineControls } from './line-controls';
import { lineControls } from './line-controls';
import { loadPlotly } from './load-plotly';
import type { MapControls } from './map-controls';
import { mapControls } from './map-controls';
import { pageColours } from './page-theme';
import type { Translate } from '../translate';
import type { View } from './view';

/**
 * Drawn when it first has a width, resized with its node, purged when disposed of. What its pointer is on is told to the
 * other figures; what they are on is outlined.
 */
export function plotlyView(figure: PlotlyFigure, trans: Translate, link: Link): View {
  const view = new PlotlyView(figure, trans, link);
  return { node: view.node, recolour: () => view.recolour(), dispose: () => view.dispose() };
}

/** Pixels of a figure; of maps, of a few cells and of each. */
const [WIDEST, WIDEST_FEW, WIDEST_CELL] = [1280, 960, 40];

/** Above the drawing, pixels for Plotly's buttons, which would cover titles and bars. */
const BUTTONS = 16;

/** Of an event: which point of which trace. */
interface PointEvent {
  readonly points: readonly PointedAt[];
}

class PlotlyView {
  readonly node: HTMLElement;

  constructor(
    private readonly _figure: PlotlyFigure,
    trans: Translate,
    private readonly _link: Link
  ) {
    this._parts = plotlyParts(_figure);
    const height = _figure.height + BUTTONS;
    const drawing = element('div', { style: `min-height:${height}px` });
    this._drawing = drawing;
    this._controls = mapControls(_figure, trans, () => void this._drawInTurn());
    this._cursor = plotlyCursor(drawing, this._parts.points, trans, _link);
    this._lines = lineControls(_figure, trans, () => void this._drawInTurn());
    this.node = element(
      'div',
      {
        class: 'jp-orrery-plotly',
        role: 'group',
        'aria-label': _figure.alt,
        style: `min-height:${height}px;min-width:${narrowest(_figure)}px;max-width:${widest(_figure)}px`
      },
      this._controls?.node,
      this._lines?.node,
      drawing,
      this._cursor.node
    );
    this._observer = new ResizeObserver(() => {
      if (this.node.offsetWidth !== this._width) {
        this._width = this.node.offsetWidth;
        void this._drawInTurn();
      }
    });
    this._observer.observe(this.node);
    this._endFollow = _link.linking.follow(() => this._mark());
  }

  /** JupyterLab hides the page while it changes the theme: observing anew calls once there is a width again. */
  recolour(): void {
    this._width = 0;
    this._observer.unobserve(this.node);
    this._observer.observe(this.node);
  }

  dispose(): void {
    this._disposed = true;
    this._endFollow();
    this._observer.disconnect();
    if (this._drawn) {
      void loadPlotly().then(Plotly => Plotly.purge(this._drawing));
    }
  }

  /** What is asked for twice before its turn is drawn once. */
  private async _drawInTurn(): Promise<void> {
    if (!this._waits) {
      this._waits = true;
      const Plotly = await loadPlotly();
      await inTurn(() => this._draw(Plotly));
    }
  }

  private async _draw(Plotly: Awaited<ReturnType<typeof loadPlotly>>): Promise<void> {
    this._waits = false;
    if (this._disposed || this.node.offsetWidth === 0) {
      return;
    }
    const first = !this._drawn;
    this._drawn = true;
    this._colours = pageColours();
    const width = this.node.offsetWidth;
    const { data, layout, config } = themed(this._figure, this._colours, {
      width,
      ...(this._controls && { scale: this._controls.read() })
    });
    const margin = { ...layout.margin, t: (layout.margin?.t ?? 0) + BUTTONS };
    const size = { width, height: this._figure.height + BUTTONS };
    const fitted = { ...thinnedTicks(layout, width), ...this._shapes(), ...size, margin };
    const most = this._lines?.read() ?? Infinity;
    const shown = data.map(trace => firstLines(trace, most));
    await Plotly.react(this._drawing, shown, fitted, config);
    if (first) {
      this._listen(this._drawing as Partial<PlotlyHTMLElement>);
    }
  }

  private _listen(drawing: Partial<Pick<PlotlyHTMLElement, 'on'>>): void {
    const { linking, keeper } = this._link;
    const selectionOf = ({ points }: PointEvent) =>
      points[0] ? this._parts.at(points[0].curveNumber, points[0].pointNumber) : NOTHING;
    drawing.on?.('plotly_hover', event => {
      const pointed = event as unknown as PointEvent;
      pointed.points.slice(0, 1).forEach(this._cursor.point);
      linking.point(selectionOf(pointed));
    });
    drawing.on?.('plotly_unhover', () => linking.point(NOTHING));
    drawing.on?.('plotly_click', event => {
      this._drawing.focus({ preventScroll: true });
      linking.toggle(selectionOf(event as unknown as PointEvent), keeper);
    });
  }

  /** Drawn when there is something else to mark. */
  private _mark(): void {
    const shapes = this._shapes();
    const said = JSON.stringify(shapes.shapes);
    if (this._drawn && said !== this._marked) {
      this._marked = said;
      void this._outline(shapes);
    }
  }

  private async _outline(shapes: Partial<Layout>): Promise<void> {
    const Plotly = await loadPlotly();
    if (!this._disposed) {
      await Plotly.relayout(this._drawing, shapes);
    }
  }

  private _shapes(): Required<Pick<Layout, 'shapes'>> {
    const marks = plotlyMarks(this._parts.regions, this._link.linking, this._colours);
    return { shapes: [...(this._figure.layout.shapes ?? []), ...marks] };
  }

  private readonly _drawing: HTMLElement;
  private readonly _controls: MapControls | undefined;
  private readonly _lines: LineControls | undefined;
  private readonly _cursor: PlotlyCursor;
  private readonly _observer: ResizeObserver;
  private readonly _endFollow: () => void;
  private readonly _parts: PlotlyParts;
  private _colours = pageColours();
  private _marked = '[]';
  private _drawn = false;
  private _waits = false;
  private _disposed = false;
  private _width = 0;
}

const mapsOf = ({ data }: PlotlyFigure): number => data.filter(({ type }) => type === 'heatmap').length;

/** Maps side by side would run into each other: they scroll instead. */
const narrowest = (figure: PlotlyFigure): number => 190 * mapsOf(figure);

/** On a wide page: lines are still read at a glance, cells of maps are no bands. */
const widest = (figure: PlotlyFigure): number => {
  const across = mapsOf(figure) * (figure.labels?.columns.length ?? 0);
  return across > 0 ? Math.max(WIDEST_FEW, WIDEST_CELL * across) : WIDEST;
};
