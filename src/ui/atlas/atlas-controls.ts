import { keysOf } from '../../figures/atlas';
import type { AtlasFigure } from '../../figures/figure';
import { element } from '../element';
import type { Translate } from '../translate';
import type { AtlasChoice } from './atlas-state';

export interface AtlasControls {
  readonly node: HTMLElement;
  read(): AtlasChoice;
}

/** Numbers of heads that can be asked for; all of them always. */
const COUNTS = [8, 16, 32, 64] as const;

/** How the heads are ordered, how many are shown, and what becomes of the first token. */
export function atlasControls(figure: AtlasFigure, trans: Translate, onChange: () => void): AtlasControls {
  const { scores = [], layers, heads, sink } = figure;
  const { size, tokens } = keysOf(figure);
  const order = choices(trans.__('Heads'), [
    ['', trans.__('by layer and head')],
    ...scores.flatMap(({ id, label }): [string, string][] => [
      [`${id} -`, trans.__('%1, largest first', label)],
      [`${id} +`, trans.__('%1, smallest first', label)]
    ])
  ]);
  const most = choices(trans.__('Show'), [
    [String(layers * heads), trans.__('all')],
    ...COUNTS.filter(count => count < layers * heads).map((count): [string, string] => [
      String(count),
      trans.__('the first %1', count)
    ])
  ]);
  const first = choices(trans.__('First token'), [
    ['shown', trans.__('shown')],
    ['hidden', trans.__('hidden')],
    ...(size === tokens.length && !figure.signed
      ? [['renormalised', trans.__('hidden, rows renormalised')] as const]
      : [])
  ]);
  const about = element('span', { class: 'jp-orrery-hint', role: 'status' });
  const sorting = (): AtlasChoice['sorting'] => {
    const [id, direction] = order.select.value.split(' ');
    const score = scores.find(one => one.id === id);
    return score && { score, smallestFirst: direction === '+', most: Number(most.select.value) };
  };
  const update = (): void => {
    const score = sorting()?.score;
    most.node.hidden = !score;
    about.textContent = score ? score.what : '';
    onChange();
  };
  [order, most, first].forEach(({ select }) => select.addEventListener('change', update));
  most.node.hidden = true;
  return {
    node: element(
      'div',
      { class: 'jp-orrery-atlas-controls' },
      ...(scores.length > 0 && layers * heads > 1 ? [order.node, most.node] : []),
      sink ? first.node : undefined,
      about
    ),
    read: () => ({ sorting: sorting(), firstToken: first.select.value as AtlasChoice['firstToken'] })
  };
}

function choices(
  label: string,
  options: readonly (readonly [string, string])[]
): { readonly node: HTMLElement; readonly select: HTMLSelectElement } {
  const select = element(
    'select',
    { class: 'jp-orrery-select', 'aria-label': label },
    ...options.map(([value, text]) => element('option', { value }, text))
  );
  return { node: element('label', {}, element('span', {}, label), select), select };
}
