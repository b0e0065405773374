import { button, element } from '../element';
import type { Control, ControlContext, Reading } from './control';
import type { PromptRow } from './prompt-row';
import { plainPrompts, promptRow } from './prompt-row';
import { plainRequest, promptSetBoxes, type PromptSetBoxes } from './prompt-set-boxes';

/** Prompts of which each has boxes of its own; more are entered as JSON. */
const MOST_ROWS = 12;

/** What boxes begin with, after Wang et al. 2022 (arXiv 2211.00593). */
const EXAMPLE = {
  clean: 'When Mary and John went to the store, John gave a drink to',
  corrupted: 'When Mary and John went to the store, Mary gave a drink to',
  correct: [' Mary'],
  wrong: [' John']
};

/**
 * A set that is made for the model, or a list of prompts: clean and corrupted one under the other with their tokens, right and wrong answers. What boxes cannot say (token
 * ids, weighted answers, very many prompts) is entered as JSON, and one can change to it at any time.
 */
export function promptsControl(given: unknown, context: ControlContext): Control {
  const { trans, onChange } = context;
  const node = element('div', { class: 'jp-orrery-prompts', role: 'group' });
  let rows: PromptRow[] = [];
  let json: HTMLTextAreaElement | undefined;
  let set: PromptSetBoxes | undefined;
  const read = (): Reading => {
    if (!json) {
      return { value: set ? set.read() : rows.map(row => row.read()) };
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
    set = undefined;
    node.classList.remove('jp-mod-set');
  };
  const asJson = (value: unknown): void => {
    clear();
    json = element('textarea', { class: 'jp-mod-styled', rows: 8, 'aria-label': trans.__('Prompts as JSON') });
    json.value = JSON.stringify(value, null, 1);
    json.addEventListener('input', onChange);
    const back = button(trans.__('Enter in boxes'), () => {
      const now = read();
      const value = 'value' in now ? now.value : undefined;
      const [request, plain] = [plainRequest(value), plainPrompts(value, MOST_ROWS)];
      if (request) {
        asSet(request);
      } else if (plain) {
        asRows(plain);
      }
    });
    node.replaceChildren(json, back);
    onChange();
  };
  const asSet = (request: NonNullable<ReturnType<typeof plainRequest>>): void => {
    clear();
    set = promptSetBoxes(request, context);
    node.classList.add('jp-mod-set');
    const own = button(trans.__('Enter prompts'), () => asRows([EXAMPLE]));
    const toJson = button(trans.__('Enter as JSON'), () => asJson((read() as { value: unknown }).value));
    node.replaceChildren(set.node, element('div', { class: 'jp-orrery-form-buttons' }, own, toJson));
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
    const toSet = button(trans.__('Take a set'), () => asSet({ set: 'auto', n: 4, seed: 0 }));
    const draw = (): void => {
      rows.forEach((row, i) => row.rename(i, rows.length));
      more.disabled = rows.length >= MOST_ROWS;
      node.replaceChildren(
        ...rows.map(row => row.node),
        element('div', { class: 'jp-orrery-form-buttons' }, more, toSet, toJson)
      );
    };
    prompts.forEach(add);
    draw();
    onChange();
  };
  const [request, plain] = [plainRequest(given), plainPrompts(given, MOST_ROWS)];
  if (request) {
    asSet(request);
  } else if (plain) {
    asRows(plain);
  } else {
    asJson(given);
  }
  return { node, read, dispose: clear };
}
