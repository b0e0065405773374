import { element } from '../element';
import type { Translate } from '../translate';
import type { Part } from './model-parts';

export interface FinderOptions {
  readonly parts: readonly Part[];
  readonly trans: Translate;
  readonly onFind: (part: Part) => void;
}

let made = 0;

/** A box that finds the part of a hook or of a tensor of the file: by the whole name as it is typed or chosen, by a piece of it on Enter. */
export function partFinder({ parts, trans, onFind }: FinderOptions): HTMLElement {
  const named = new Map<string, Part>();
  for (const part of parts) {
    const names = [...part.hooks.map(({ name }) => name), ...part.tensors.map(({ tensor }) => tensor)];
    names.filter(name => !named.has(name)).forEach(name => named.set(name, part));
  }
  const list = `jp-orrery-names-${made++}`;
  const input = element('input', {
    type: 'search',
    list,
    placeholder: trans.__('hook or tensor')
  });
  const said = element('span', { class: 'jp-orrery-hint', role: 'status' });
  const find = (name: string | undefined): void => {
    const part = name === undefined ? undefined : named.get(name);
    said.textContent = part ? trans.__('%1: %2', name!, part.title) : '';
    if (part) {
      onFind(part);
    }
  };
  input.addEventListener('input', () => find(input.value.trim()));
  input.addEventListener('keydown', event => {
    if (event.key === 'Enter') {
      const piece = input.value.trim().toLowerCase();
      const found = [...named.keys()].find(name => name.toLowerCase().includes(piece));
      find(piece === '' ? undefined : found);
      if (piece !== '' && found === undefined) {
        said.textContent = trans.__('No hook and no tensor of this model has ‘%1’ in its name.', input.value.trim());
      }
    }
  });
  return element(
    'div',
    { class: 'jp-orrery-finder' },
    element('label', {}, element('span', {}, trans.__('Find')), input),
    element('datalist', { id: list }, ...[...named.keys()].map(value => element('option', { value }))),
    said
  );
}
