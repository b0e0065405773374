import type { NumberKind } from '../../analyses/analysis';
import type { AnalysisEntry } from '../../report/list-analyses';
import type { Cost } from '../../subject/subject';
import { forwardsMade } from '../cost-words';
import { element } from '../element';
import type { Translate } from '../translate';
import { familyTitles, kindMeanings, kindTitles } from './families';
import { thumbnail } from './thumbnail';

export interface AnalysisList {
  readonly node: HTMLElement;
  readonly search: HTMLInputElement;
  /** Says why the open model cannot serve some of them; undefined where that is not known. */
  refuse(refusals: Readonly<Record<string, string>> | undefined): void;
  /** What an analysis costs on the open model; undefined: not known. */
  price(id: string, cost: Cost | undefined): void;
  choose(id: string): void;
}

let made = 0;

/**
 * Analyses grouped by the survey's chapters, a line each, with a search. One tab stop for the search and one for the list; arrows move
 * in the list from either.
 */
export function analysisList(
  entries: readonly AnalysisEntry[],
  trans: Translate,
  onChoose: (entry: AnalysisEntry) => void
): AnalysisList {
  const base = `jp-orrery-list-${made++}`;
  const [kinds, meanings] = [kindTitles(trans), kindMeanings(trans)];
  const options = entries.map((entry, i) => ({
    entry,
    ...optionNode(entry, `${base}-${i}`, kinds[entry.theory.kind], badgeMeaning(entry, meanings, trans))
  }));
  const groups = Object.entries(familyTitles(trans)).flatMap(([family, title]) => {
    const own = options.filter(({ entry }) => entry.family === family);
    const head = element('div', { class: 'jp-orrery-list-title', role: 'presentation' }, title);
    const node = element('div', { role: 'group', 'aria-label': title }, head, ...own.map(option => option.node));
    return own.length ? [{ node, own }] : [];
  });
  const shownInOrder = () => groups.flatMap(({ own }) => own).filter(({ node }) => !node.hidden);
  const none = element('p', { class: 'jp-orrery-hint', hidden: '' }, trans.__('No analysis has these words.'));
  const list = element(
    'div',
    { class: 'jp-orrery-list', role: 'listbox', tabindex: 0, 'aria-label': trans.__('Analyses') },
    ...groups.map(({ node }) => node),
    none
  );
  const search = element('input', {
    class: 'jp-mod-styled',
    type: 'search',
    placeholder: trans.__('Search analyses'),
    'aria-label': trans.__('Search analyses')
  });
  let current: (typeof options)[number] | undefined;
  const choose = (option: (typeof options)[number]): void => {
    current?.node.setAttribute('aria-selected', 'false');
    current = option;
    option.node.setAttribute('aria-selected', 'true');
    list.setAttribute('aria-activedescendant', option.node.id);
    option.node.scrollIntoView({ block: 'nearest' });
    onChoose(option.entry);
  };
  const filter = (): void => {
    const words = search.value.toLowerCase().split(/\s+/u).filter(Boolean);
    options.forEach(({ node, text }) => (node.hidden = !words.every(word => text.includes(word))));
    groups.forEach(({ node, own }) => (node.hidden = own.every(option => option.node.hidden)));
    const shown = shownInOrder();
    none.hidden = shown.length > 0;
    // What is chosen is in sight: titles before what is said of the others.
    if (current?.node.hidden && shown.length > 0) {
      choose(shown.find(({ entry }) => words.every(word => entry.title.toLowerCase().includes(word))) ?? shown[0]);
    }
  };
  const move = (event: KeyboardEvent): void => {
    const shown = shownInOrder();
    const at = current ? shown.indexOf(current) : -1;
    const steps: Readonly<Record<string, number>> = { ArrowDown: at + 1, ArrowUp: Math.max(0, at - 1) };
    const ends: Readonly<Record<string, number>> =
      event.currentTarget === list ? { Home: 0, End: shown.length - 1 } : {};
    const next = shown[Math.min(shown.length - 1, { ...steps, ...ends }[event.key] ?? -1)];
    if (next) {
      choose(next);
      event.preventDefault();
    }
  };
  search.addEventListener('input', filter);
  search.addEventListener('keydown', move);
  list.addEventListener('keydown', move);
  list.addEventListener('click', event => {
    const target = event.target instanceof Element ? event.target.closest('[role=option]') : null;
    const found = options.find(({ node }) => node === target);
    if (found) {
      choose(found);
    }
  });
  return {
    node: element('div', { class: 'jp-orrery-list-pane' }, search, list),
    search,
    refuse: refusals =>
      options.forEach(({ entry, node, why }) => {
        const reason = refusals?.[entry.id];
        why.textContent = reason ?? '';
        node.classList.toggle('jp-mod-refused', reason !== undefined);
      }),
    price: (id, cost) => {
      const found = options.find(({ entry }) => entry.id === id);
      if (found) {
        found.price.textContent = cost ? trans._n('%1 forward', '%1 forwards', forwardsMade(cost)) : '';
      }
    },
    choose: id => {
      const found = options.find(({ entry }) => entry.id === id);
      if (found) {
        choose(found);
      }
    }
  };
}

const badgeMeaning = (
  { measure, theory }: AnalysisEntry,
  meanings: Readonly<Record<NumberKind, string>>,
  trans: Translate
): string =>
  [measure && trans.__('%1: numbers of the measures, as in the documentation', measure), meanings[theory.kind]]
    .filter(Boolean)
    .join('\n');

function optionNode(
  { id: name, title, description, measure, family }: AnalysisEntry,
  id: string,
  kind: string,
  meaning: string
): { readonly node: HTMLElement; readonly why: HTMLElement; readonly price: HTMLElement; readonly text: string } {
  const why = element('div', { class: 'jp-orrery-option-why' });
  const price = element('span', {});
  const badge = element(
    'span',
    { class: 'jp-orrery-badge', title: meaning },
    element('span', {}, [measure, kind].filter(Boolean).join(' · ')),
    price
  );
  const node = element(
    'div',
    { class: 'jp-orrery-option', role: 'option', id, 'aria-selected': 'false' },
    thumbnail({ id: name, family }),
    element(
      'div',
      { class: 'jp-orrery-option-words' },
      element('div', { class: 'jp-orrery-option-title' }, title, badge),
      element('div', { class: 'jp-orrery-option-about' }, description),
      why
    )
  );
  return { node, why, price, text: [name, title, description, measure, family, kind].join(' ').toLowerCase() };
}
