import { element } from './element';

/** A labelled list to choose one of. */
export interface Choices<T extends string> {
  readonly node: HTMLElement;
  readonly select: HTMLSelectElement;
  read(): T;
}

export function choices<T extends string>(label: string, options: readonly (readonly [T, string])[]): Choices<T> {
  const select = element(
    'select',
    { class: 'jp-orrery-select', 'aria-label': label },
    ...options.map(([value, text]) => element('option', { value }, text))
  );
  const node = element('label', {}, element('span', {}, label), select);
  return { node, select, read: () => select.value as T };
}
