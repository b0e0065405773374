import { keysOf } from '../../figures/atlas';
import type { AtlasScale } from '../../figures/atlas-scale';
import type { AtlasFigure } from '../../figures/figure';
import { choices } from '../choices';
import { element } from '../element';
import type { Translate } from '../translate';
import type { AtlasChoice } from './atlas-state';

export interface AtlasControls {
  readonly node: HTMLElement;
  read(): AtlasChoice;
}

/** Numbers of heads that can be asked for; all of them always. */
const COUNTS = [8, 16, 32, 64] as const;

/** How the heads are ordered, how many are shown, what becomes of the first token, and what the colours stand for. */
export function atlasControls(figure: AtlasFigure, trans: Translate, onChange: () => void): AtlasControls {
  const { scores = [], layers, heads, sink } = figure;
  const { size, tokens } = keysOf(figure);
  const order = choices(trans.__('Heads'), [
    ['', trans.__('by layer')],
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
  const first = choices<AtlasChoice['firstToken']>(trans.__('First token'), [
    ['shown', trans.__('shown')],
    ['hidden', trans.__('hidden')],
    ...(size === tokens.length && !figure.signed ? [['renormalised', trans.__('renormalised')] as const] : [])
  ]);
  const transfer = choices<AtlasScale['transfer']>(trans.__('Colours'), [
    ['root', trans.__('square root')],
    ['linear', trans.__('linear')],
    ['log', trans.__('logarithmic')]
  ]);
  const range = choices<AtlasScale['range']>(trans.__('Up to'), [
    ['usual', '1'],
    ['largest', trans.__('largest shown')],
    ['most', trans.__('99 % of cells')],
    ['head', trans.__('each head’s own')]
  ]);
  const mask = causalMask(figure.causal, trans);
  const about = element('span', { class: 'jp-orrery-hint', role: 'status' });
  const sorting = (): AtlasChoice['sorting'] => {
    const [id, direction] = order.read().split(' ');
    const score = scores.find(one => one.id === id);
    return score && { score, smallestFirst: direction === '+', most: Number(most.read()) };
  };
  const update = (): void => {
    const score = sorting()?.score;
    most.node.hidden = !score;
    node.classList.toggle('jp-mod-sorted', score !== undefined);
    about.textContent = score ? score.what : '';
    range.select.options[0].text = first.read() === 'shown' ? '1' : trans.__('largest left');
    onChange();
  };
  [order, most, first, transfer, range].forEach(({ select }) => select.addEventListener('change', update));
  mask.box.addEventListener('change', update);
  most.node.hidden = true;
  const node = element(
    'div',
    { class: 'jp-orrery-choices' },
    ...(scores.length > 0 && layers * heads > 1 ? [order.node, most.node] : []),
    sink ? first.node : undefined,
    transfer.node,
    range.node,
    mask.node,
    about
  );
  return {
    node,
    read: () => ({
      sorting: sorting(),
      firstToken: first.read(),
      scale: { transfer: transfer.read(), range: range.read() },
      marksMask: mask.box.checked
    })
  };
}

/** Where there is no mask, the box is off, and why is said beside it. */
function causalMask(causal: boolean, trans: Translate): { readonly node: HTMLElement; readonly box: HTMLInputElement } {
  const box = element('input', { type: 'checkbox', 'aria-label': trans.__('Causal mask') });
  box.checked = causal;
  box.disabled = !causal;
  const why = causal ? [] : [element('span', { class: 'jp-orrery-hint' }, trans.__('none: queries see all keys'))];
  return { node: element('label', {}, box, element('span', {}, trans.__('Mask')), ...why), box };
}
