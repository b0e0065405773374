import type { HeadPlace } from '../../figures/part-names';
import { button, element } from '../element';
import type { Translate } from '../translate';
import type { Link, Linking } from './linking';
import type { Selection } from './selection';

export interface LinkBarOptions extends Link {
  readonly trans: Translate;
  /** Absent where no card can be asked for. */
  readonly onOpenCard?: (head: HeadPlace) => void;
  /** Absent where a head alone shows no more than here. */
  readonly onLookCloser?: (head: HeadPlace) => void;
  /** Absent where none can be ablated. */
  readonly onAblate?: (heads: readonly HeadPlace[]) => void;
  /** What that would take, in words; undefined where it is not known. */
  readonly ablationCost?: (heads: readonly HeadPlace[]) => Promise<string | undefined>;
}

/**
 * A line that says what is kept in this output: its name, a closer look, its card, its ablation, let go. Empty while nothing
 * is. `end` ends it.
 */
export function linkBar(options: LinkBarOptions): { readonly node: HTMLElement; readonly end: () => void } {
  const { linking, keeper, trans, onOpenCard, onLookCloser, onAblate, ablationCost } = options;
  const words = element('span', { role: 'status' });
  const actions = element('span', { class: 'jp-orrery-toolbar' });
  const cost = element('span', { class: 'jp-orrery-hint' });
  const node = element('div', { class: 'jp-orrery-link-bar' }, words, actions, cost);
  let priced: Selection | undefined;
  const price = async (kept: Selection | undefined): Promise<void> => {
    priced = kept;
    cost.textContent = '';
    const said = kept && kept.heads.length > 0 ? await ablationCost?.(kept.heads) : undefined;
    if (priced === kept && said !== undefined) {
      cost.textContent = trans.__('Ablating: %1', said);
    }
  };
  const draw = (): void => {
    const own = linking.kept !== undefined && linking.keeper === keeper;
    const heads = own ? linking.kept!.heads : [];
    if (priced !== (own ? linking.kept : undefined)) {
      void price(own ? linking.kept : undefined);
    }
    node.classList.toggle('jp-mod-empty', !own);
    words.textContent = own ? namesOf(linking, trans) : '';
    actions.replaceChildren(
      ...(onLookCloser && heads.length === 1
        ? [button(trans.__('See it token by token'), () => onLookCloser(heads[0]))]
        : []),
      ...(onOpenCard && heads.length === 1 ? [button(trans.__('Open its card'), () => onOpenCard(heads[0]))] : []),
      ...(onAblate && heads.length > 0
        ? [button(heads.length === 1 ? trans.__('Ablate it') : trans.__('Ablate them'), () => onAblate(heads))]
        : []),
      ...(own ? [button(trans.__('Let go (Esc)'), () => linking.letGo())] : [])
    );
  };
  draw();
  return { node, end: linking.follow(draw) };
}

/** 'Layer 1, head 3 is kept, and marked in every figure of this model.' */
function namesOf({ kept }: Linking, trans: Translate): string {
  const heads = kept!.heads.map(({ layer, head }) => trans.__('layer %1, head %2', layer, head));
  const tokens = kept!.tokens.map(({ position, text }) => trans.__('token %1 ‘%2’', position, text));
  return trans.__('Kept, and marked in every figure of this model: %1.', [...heads, ...tokens].slice(0, 6).join('; '));
}
