import type { SingularValues } from '../../analyses/weights/singular-values';
import type { PlotlyFigure } from '../../figures/figure';
import { curves } from '../../figures/curves';
import type { ModelClient } from '../../worker/client';
import { button, element } from '../element';
import { figureView } from '../figures/figure-view';
import type { Translate } from '../translate';
import type { View } from '../figures/view';
import type { Part } from './model-parts';

export interface SpectrumOptions {
  readonly client: Pick<ModelClient, 'singularValues'>;
  readonly trans: Translate;
  /** Aborted when another part is shown. */
  readonly signal: AbortSignal;
}

/** A matrix of the model: biases and norms have no spectrum. */
const MATRIX = /^W_(Q|K|V|O|in|gate|out|E|pos|U)$/;

/** A button a matrix of the part, which shows its singular values below; undefined where the part has none. */
export function spectrumButtons(part: Part, { client, trans, signal }: SpectrumOptions): HTMLElement | undefined {
  const names = part.tensors.map(({ role }) => role).filter(role => MATRIX.test(role));
  if (names.length === 0) {
    return undefined;
  }
  const place = element('div', { class: 'jp-orrery-spectrum', 'aria-live': 'polite' });
  let shown: View | undefined;
  signal.addEventListener('abort', () => shown?.dispose());
  const show = async (name: string): Promise<void> => {
    place.replaceChildren(element('p', { class: 'jp-orrery-hint' }, trans.__('Decomposing %1…', name)));
    try {
      const found = await client.singularValues(name, part.layer, { signal });
      if (!signal.aborted) {
        shown?.dispose();
        shown = figureView(spectrumFigure(name, part.layer, found, trans), trans, { under: '' });
        place.replaceChildren(shown.node);
      }
    } catch (error) {
      if (!signal.aborted) {
        const words = error instanceof Error ? error.message : String(error);
        place.replaceChildren(element('p', { class: 'jp-orrery-error', role: 'alert' }, words));
      }
    }
  };
  return element(
    'div',
    {},
    element(
      'div',
      { class: 'jp-orrery-spectrum-buttons', role: 'group', 'aria-label': trans.__('Singular values') },
      element('span', {}, trans.__('Singular values of')),
      ...names.map(name => button(name, () => void show(name)))
    ),
    place
  );
}

function spectrumFigure(
  name: string,
  layer: number | undefined,
  { rows, columns, rank, stableRank, effectiveRank, values }: SingularValues,
  trans: Translate
): PlotlyFigure {
  const title = layer === undefined ? name : trans.__('%1 of layer %2', name, layer);
  const ranks = trans.__(
    '%1 × %2, rank %3, stable rank %4, effective rank %5',
    rows,
    columns,
    rank,
    stableRank.toFixed(1),
    effectiveRank.toFixed(1)
  );
  const y = [...values];
  return curves({
    title: trans.__('Singular values of %1', title),
    caption: trans.__(
      '%1. Both axes are logarithmic; values below the rounding of single precision are left out.',
      ranks
    ),
    alt: trans.__('Singular values of %1: %2.', title, ranks),
    x: { title: trans.__('place'), log: true },
    y: { title: trans.__('singular value (weight units)'), log: true },
    curves: [{ name: title, x: y.map((_, at) => at + 1), y, mode: 'line' }]
  });
}
