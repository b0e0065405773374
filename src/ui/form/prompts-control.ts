import { button, element } from '../element';
import type { Control, ControlContext, Reading } from './control';
import type { PromptRow } from './prompt-row';
import { plainPrompts, promptRow } from './prompt-row';

/** Prompts of which each has boxes of its own; more are entered as JSON. */
const MOST_ROWS = 12;

/**
 * A list of prompts: clean and corrupted one under the other with their tokens, right and wrong answers. What boxes cannot say (token
 * ids, weighted answers, very many prompts) is entered as JSON, and one can change to it at any time.
 */
export function promptsControl(given: unknown, context: ControlContext): Control {
  const { trans, onChange } = context;
  const node = element('div', { class: 'jp-orrery-prompts', role: 'group' });
  let rows: PromptRow[] = [];
  let json: HTMLTextAreaElement | undefined;
  const read = (): Reading => {
    if (!json) {
      return { value: rows.map(row => row.read()) };
    }
    try {
      return { value: JSON.parse(json.value) as unknown };
    } catch (error) {
      return { fault: trans.__('This is not JSON: %1', (error as Error).message.slice(0, 120)) };
    }
  };
  const clear = (): void => {
    rows.forEach(row => row.dispose());
    rows = [];
    json = undefined;
  };
  const asJson = (value: unknown): void => {
    clear();
    json = element('textarea', { class: 'jp-mod-styled', rows: 8, 'aria-label': trans.__('Prompts as JSON') });
    json.value = JSON.stringify(value, null, 1);
    json.addEventListener('input', onChange);
    const back = button(trans.__('Enter in boxes'), () => {
      const now = read();
      const plain = 'value' in now ? plainPrompts(now.value, MOST_ROWS) : undefined;
      if (plain) {
        asRows(plain);
      }
    });
    node.replaceChildren(json, back);
    onChange();
  };
  const asRows = (prompts: NonNullable<ReturnType<typeof plainPrompts>>): void => {
    clear();
    const removal = (row: PromptRow): void => {
      row.dispose();
      rows = rows.filter(other => other !== row);
      draw();
      onChange();
    };
    const add = (prompt: (typeof prompts)[number]): void => {
      rows.push(promptRow(prompt, { ...context, onRemove: removal }));
    };
    const more = button(trans.__('Add a prompt'), () => {
      add({ clean: '', corrupted: '', correct: [], wrong: [] });
      draw();
      onChange();
      rows.at(-1)?.focus();
    });
    const toJson = button(trans.__('Enter as JSON'), () => asJson((read() as { value: unknown }).value));
    const draw = (): void => {
      rows.forEach((row, i) => row.rename(i, rows.length));
      more.disabled = rows.length >= MOST_ROWS;
      node.replaceChildren(
        ...rows.map(row => row.node),
        element('div', { class: 'jp-orrery-form-buttons' }, more, toJson)
      );
    };
    prompts.forEach(add);
    draw();
    onChange();
  };
  const plain = plainPrompts(given, MOST_ROWS);
  if (plain) {
    asRows(plain);
  } else {
    asJson(given);
  }
  return { node, read, dispose: clear };
}
