type Child = Node | string | undefined;

/** A DOM element from data: strings become text, never markup; `class` and attributes as given, undefined ones left out. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | number | undefined>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) {
      made.setAttribute(name, String(value));
    }
  }
  made.append(...children.filter((child): child is Node | string => child !== undefined));
  return made;
}

/** A button of JupyterLab's look. */
export function button(label: string, onClick: () => void, kind: 'accept' | 'plain' = 'plain'): HTMLButtonElement {
  const made = element(
    'button',
    { type: 'button', class: `jp-orrery-button${kind === 'accept' ? ' jp-mod-accept' : ''}` },
    label
  );
  made.addEventListener('click', onClick);
  return made;
}
