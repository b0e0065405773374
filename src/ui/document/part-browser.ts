import type { Anatomy } from '../../anatomy/anatomy';
import type { ModelClient } from '../../worker/client';
import { element } from '../element';
import type { Translate } from '../translate';
import { anatomyMap } from './anatomy-map';
import type { Part } from './model-parts';
import { modelParts } from './model-parts';
import { partDetail } from './part-detail';
import { partFinder } from './part-finder';

export interface PartBrowserOptions {
  readonly anatomy: Anatomy;
  readonly label: string;
  readonly client: ModelClient;
  readonly trans: Translate;
  /** Shown first, where the model has it. */
  readonly chosen: string | undefined;
  /** Absent while nothing can be analysed yet. */
  readonly onAnalyse?: (part: Part) => void;
}

export interface PartBrowser {
  readonly node: HTMLElement;
  /** Id of the part that is shown. */
  readonly chosen: string | undefined;
  /** Puts the focus on that part's cell. */
  focus(): void;
  dispose(): void;
}

/** The picture of a model, and beside it the part that was chosen. */
export function partBrowser({ anatomy, label, client, trans, chosen, onAnalyse }: PartBrowserOptions): PartBrowser {
  const detail = element('section', { class: 'jp-orrery-document-part', 'aria-label': trans.__('The chosen part') });
  let shown = new AbortController();
  let current: Part | undefined;
  const show = (part: Part): void => {
    shown.abort();
    shown = new AbortController();
    current = part;
    detail.replaceChildren(partDetail(part, { client, trans, signal: shown.signal, ...(onAnalyse && { onAnalyse }) }));
  };
  const towers = anatomy.towers.map(tower => ({ tower, rows: modelParts(anatomy, tower, trans) }));
  const maps = towers.map(({ tower, rows }) => {
    const title = trans.__('Anatomy of %1: %2, %3 layers of %4 heads', label, tower.name, tower.layers, tower.heads);
    return anatomyMap(rows, { label: title, trans, onSelect: show });
  });
  const finder = partFinder({
    parts: towers.flatMap(({ rows }) => rows.flatMap(({ parts }) => parts)),
    trans,
    onFind: ({ id }) => maps.find(map => map.has(id))?.select(id)
  });
  const first = maps.find((map, at) => map.has(chosen) || (chosen === undefined && at === 0)) ?? maps[0];
  first?.select(first.has(chosen) ? chosen : undefined);
  return {
    node: element(
      'div',
      { class: 'jp-orrery-document-top' },
      element(
        'section',
        { class: 'jp-orrery-document-map', 'aria-label': trans.__('Anatomy') },
        finder,
        ...maps.flatMap(({ node }, at) =>
          towers.length > 1 ? [element('h3', {}, towers[at].tower.name), node] : [node]
        )
      ),
      detail
    ),
    get chosen() {
      return current?.id;
    },
    focus: () => maps.find(map => map.has(current?.id))?.focus(),
    dispose: () => shown.abort()
  };
}
