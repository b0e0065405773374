import { listPromptSets } from '../../report/list-prompt-sets';
import { element } from '../element';
import type { ControlContext } from './control';

export interface PromptSetBoxes {
  readonly node: HTMLElement;
  read(): unknown;
}

type Request = Readonly<Record<string, unknown>>;

const FIELDS: readonly string[] = ['set', 'counterfactual', 'n', 'seed'];

/** A request for a set that boxes can say; undefined for anything else. */
export function plainRequest(value: unknown): Request | undefined {
  const request = (value ?? {}) as Request;
  const known = listPromptSets().some(({ id }) => id === request.set);
  return known && !Array.isArray(value) && Object.keys(request).every(name => FIELDS.includes(name))
    ? request
    : undefined;
}

/** Boxes of a set: which, how it is corrupted, how many prompts, the seed. What is left empty is the set's own. */
export function promptSetBoxes(request: Request, { trans, onChange }: ControlContext): PromptSetBoxes {
  const sets = listPromptSets();
  const about = element('p', { class: 'jp-orrery-hint' });
  const set = element(
    'select',
    { class: 'jp-mod-styled' },
    ...sets.map(({ id }) => element('option', { value: id }, id))
  );
  set.value = String(request.set);
  const way = element('select', { class: 'jp-mod-styled' });
  const wayLabel = element('label', {}, element('span', {}, trans.__('Counterfactual')), way);
  const [n, seed] = (['n', 'seed'] as const).map(name => {
    const input = element('input', { class: 'jp-mod-styled', type: 'number', min: name === 'n' ? 1 : 0, step: 1 });
    input.value = request[name] === undefined ? '' : String(request[name]);
    input.addEventListener('input', onChange);
    return input;
  });
  const draw = (chosen: unknown): void => {
    const { title, counterfactuals } = sets.find(({ id }) => id === set.value)!;
    const ways = Object.entries(counterfactuals);
    about.textContent = title;
    way.replaceChildren(...ways.map(([id, what]) => element('option', { value: id }, trans.__('%1: %2', id, what))));
    way.value = ways.some(([id]) => id === chosen) ? String(chosen) : (ways[0]?.[0] ?? '');
    wayLabel.hidden = ways.length === 0;
  };
  set.addEventListener('change', () => {
    draw(undefined);
    onChange();
  });
  way.addEventListener('change', onChange);
  draw(request.counterfactual);
  const number = (input: HTMLInputElement): { value?: number } =>
    input.value === '' && !input.validity.badInput ? {} : { value: Number(input.value) };
  return {
    node: element(
      'div',
      { class: 'jp-orrery-prompt-set' },
      element('label', {}, element('span', {}, trans.__('Set')), set),
      wayLabel,
      element('label', {}, element('span', {}, trans.__('How many')), n),
      element('label', {}, element('span', {}, trans.__('Seed')), seed),
      about
    ),
    read: () => {
      const first = way.options[0]?.value;
      const [count, drawn] = [number(n).value, number(seed).value];
      return {
        set: set.value,
        ...(way.value !== '' &&
          (way.value !== first || request.counterfactual === way.value) && {
            counterfactual: way.value
          }),
        ...(count !== undefined && { n: count }),
        ...(drawn !== undefined && { seed: drawn })
      };
    }
  };
}
