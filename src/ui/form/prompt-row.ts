import type { Token } from '../../tokens/tokens';
import { button, element } from '../element';
import type { ControlContext } from './control';
import { alignedTokens } from './aligned-tokens';
import { liveTokens } from './live-tokens';

/** A prompt that boxes can say: texts alone, answers without weights. */
export interface PlainPrompt {
  readonly clean: string;
  /** '' is absent. */
  readonly corrupted: string;
  readonly correct: readonly string[];
  readonly wrong: readonly string[];
}

export interface PromptRow {
  readonly node: HTMLElement;
  read(): unknown;
  rename(index: number, count: number): void;
  focus(): void;
  dispose(): void;
}

export interface RowOptions extends ControlContext {
  readonly onRemove: (row: PromptRow) => void;
}

/** Undefined where boxes cannot say all of it, or there are more than `most`. */
export function plainPrompts(value: unknown, most: number): readonly PlainPrompt[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > most) {
    return undefined;
  }
  const plain = value.map(plainPrompt);
  return plain.every(prompt => prompt !== undefined) ? plain : undefined;
}

function plainPrompt(value: unknown): PlainPrompt | undefined {
  const { clean, corrupted = '', answer = {}, ...rest } = (value ?? {}) as Record<string, unknown>;
  const { correct = [], wrong = [], ...more } = (answer ?? {}) as Record<string, unknown>;
  const texts = (list: unknown): list is string[] =>
    Array.isArray(list) && list.every(token => typeof token === 'string' && !token.includes('\n'));
  const whole = Object.keys({ ...rest, ...more }).length === 0;
  return whole && typeof clean === 'string' && typeof corrupted === 'string' && texts(correct) && texts(wrong)
    ? { clean, corrupted, correct, wrong }
    : undefined;
}

/** Boxes of one prompt; under them the tokens of clean and corrupted in line with one another. */
export function promptRow(prompt: PlainPrompt, { onRemove, ...context }: RowOptions): PromptRow {
  const { trans, onChange } = context;
  const marked: Record<'clean' | 'corrupted', readonly Token[]> = { clean: [], corrupted: [] };
  const title = element('legend', {});
  const aligned = element('div', {});
  const mark = (): void =>
    aligned.replaceChildren(...(marked.clean.length ? [alignedTokens(marked.clean, marked.corrupted, trans)] : []));
  const line = (label: string, side: 'clean' | 'corrupted') => {
    const input = element('input', { class: 'jp-mod-styled', type: 'text', dir: 'auto' });
    input.value = prompt[side];
    const tokens = liveTokens(context, found => {
      marked[side] = found;
      mark();
    });
    input.addEventListener('input', () => {
      if (!input.value) {
        marked[side] = [];
        mark();
      }
      tokens.show(input.value);
      onChange();
    });
    tokens.show(input.value);
    return { input, tokens, node: element('label', {}, element('span', {}, label), input) };
  };
  const answer = (label: string, side: 'correct' | 'wrong') => {
    const input = element('textarea', { class: 'jp-mod-styled', rows: Math.min(4, Math.max(1, prompt[side].length)) });
    input.value = prompt[side].join('\n');
    input.addEventListener('input', onChange);
    return { input, node: element('label', {}, element('span', {}, label), input) };
  };
  const lines = { clean: line(trans.__('Clean'), 'clean'), corrupted: line(trans.__('Corrupted'), 'corrupted') };
  const answers = {
    correct: answer(trans.__('Right next tokens, one a line, spaces count'), 'correct'),
    wrong: answer(trans.__('Wrong next tokens'), 'wrong')
  };
  const remove = button(trans.__('Remove'), () => onRemove(row));
  const node = element(
    'fieldset',
    { class: 'jp-orrery-prompt' },
    title,
    lines.clean.node,
    lines.corrupted.node,
    aligned,
    element('div', { class: 'jp-orrery-answers' }, answers.correct.node, answers.wrong.node, remove)
  );
  const tokens = (box: HTMLTextAreaElement): string[] => box.value.split('\n').filter(text => text !== '');
  const row: PromptRow = {
    node,
    read: () => {
      const [correct, wrong] = [tokens(answers.correct.input), tokens(answers.wrong.input)];
      const given = { ...(correct.length && { correct }), ...(wrong.length && { wrong }) };
      return {
        clean: lines.clean.input.value,
        ...(lines.corrupted.input.value && { corrupted: lines.corrupted.input.value }),
        ...(Object.keys(given).length && { answer: given })
      };
    },
    rename: (index, count) => {
      title.textContent = count === 1 ? trans.__('Prompt') : trans.__('Prompt %1', index + 1);
      remove.hidden = count === 1;
    },
    focus: () => lines.clean.input.focus(),
    dispose: () => Object.values(lines).forEach(one => one.tokens.dispose())
  };
  return row;
}
