/** @jest-environment ./test/jsdom.cjs */
import { listAnalyses } from '../../src/report/list-analyses';
import { alignedTokens } from '../../src/ui/form/aligned-tokens';
import type { HeadShape } from '../../src/ui/form/head-picker';
import { readNumbers, writeNumbers } from '../../src/ui/form/number-list';
import type { SpecForm } from '../../src/ui/form/spec-form';
import { specForm } from '../../src/ui/form/spec-form';
import { trans } from './translate';

const make = (id: string, given: Readonly<Record<string, unknown>> = {}, shape?: HeadShape): SpecForm => {
  const entry = listAnalyses().find(one => one.id === id)!;
  const form = specForm(entry, given, { trans, encode: undefined, shape }, () => undefined);
  document.body.replaceChildren(form.node);
  return form;
};

/** Types into the control whose label this is. */
const type = (label: string, text: string): HTMLElement => {
  const named = [...document.querySelectorAll('label')].find(({ textContent }) => textContent === label)!;
  const input = document.getElementById(named.getAttribute('for')!) as HTMLInputElement;
  input.value = text;
  input.dispatchEvent(new Event(input.tagName === 'SELECT' ? 'change' : 'input', { bubbles: true }));
  return input;
};
const faults = (): string[] =>
  [...document.querySelectorAll('.jp-orrery-fault')].flatMap(({ textContent }) => textContent || []);

test('fields that the open model has no use for are not shown, but for those that are given', () => {
  const entry = listAnalyses().find(one => one.id === 'attention-patterns')!;
  const labels = (given: Readonly<Record<string, unknown>>): readonly string[] => {
    const context = { trans, encode: undefined, shape: undefined, lacks: () => true };
    const form = specForm(entry, given, context, () => undefined);
    return [...form.node.querySelectorAll('.jp-orrery-field-label')].map(({ textContent }) => textContent ?? '');
  };
  expect(labels({})).not.toEqual(expect.arrayContaining(['Image']));
  expect(labels({})).not.toEqual(expect.arrayContaining(['Decoder text']));
  expect(labels({})).toEqual(expect.arrayContaining(['Text', 'Token ids']));
  expect(labels({ image: 'cat.png' })).toEqual(expect.arrayContaining(['Image']));
});

describe('every analysis has a form', () => {
  test.each(listAnalyses().map(({ id }) => id))('%s: untouched, it gives the defaults; each field has a name', id => {
    const entry = listAnalyses().find(one => one.id === id)!;
    expect(make(id).value()).toEqual({});
    expect(faults()).toEqual([]);
    expect(document.querySelectorAll('.jp-orrery-field')).toHaveLength(Object.keys(entry.spec).length);
    for (const input of document.querySelectorAll('input, select, textarea')) {
      const named =
        (input as HTMLInputElement).labels?.length ||
        input.hasAttribute('aria-label') ||
        input.hasAttribute('aria-labelledby');
      expect(named).toBeTruthy();
    }
  });
});

describe('a form', () => {
  test('gives what was typed, as the spec has it', () => {
    const form = make('logit-lens');
    type('Text', 'a b');
    type('Positions', '0, 2-4');
    type('Tokens a cell', '7');
    expect(form.value()).toEqual({ text: 'a b', positions: [0, 2, 3, 4], topK: 7 });
  });

  test.each([
    ['Tokens a cell', '999', /^Must be an integer from 1 to 20, got 999/],
    ['Positions', 'two', /^‘two’ is neither a number nor a range/],
    ['Positions', '1, 1', /^Must be a list of 1 to 4096 different indices/],
    ['Positions', '5-2', /^‘5-2’/]
  ])('says beside %s what is wrong with %s', (label, text, message) => {
    const form = make('logit-lens');
    const input = type(label, text);
    expect(faults()).toEqual([expect.stringMatching(message)]);
    expect(input.getAttribute('aria-invalid')).toBe('true');
    expect(form.value()).toBeUndefined();
    type(label, '');
    expect(form.value()).toEqual({});
  });

  test('ids take the place of the default text, and exclude another', () => {
    const form = make('logit-lens');
    type('Token ids', '1 2 3');
    expect(form.value()).toEqual({ ids: [1, 2, 3] });
    type('Text', 'a b');
    expect(form.value()).toBeUndefined();
    expect(faults()).toEqual([expect.stringContaining('exclude each other')]);
  });

  test('holds what was given, and gives it back', () => {
    const given = { text: 'x', positions: [3, 4, 5, 9], topK: 2, colour: 'kl' };
    const entry = listAnalyses().find(({ id }) => id === 'logit-lens')!;
    const known = Object.fromEntries(Object.entries(given).filter(([name]) => name in entry.spec));
    expect(make('logit-lens', known).value()).toEqual(known);
  });
});

describe('prompts', () => {
  const pair = { clean: 'a b', corrupted: 'a c', answer: { correct: [' x', ' y'], wrong: [' z'] } };

  test('are entered in boxes, leading spaces kept', () => {
    const form = make('activation-patching', { prompts: [pair] });
    expect(form.value()).toEqual({ prompts: [pair] });
    expect(document.querySelectorAll('.jp-orrery-prompt')).toHaveLength(1);
  });

  test('a set has boxes, and gives way to prompts and back', () => {
    const form = make('activation-patching');
    const [set] = document.querySelectorAll<HTMLSelectElement>('.jp-orrery-prompt-set select');
    expect(set.value).toBe('auto');
    const press = (label: string): void =>
      [...document.querySelectorAll('button')].find(({ textContent }) => textContent === label)!.click();
    set.value = 'ioi';
    set.dispatchEvent(new Event('change'));
    expect(form.value()).toEqual({ prompts: { set: 'ioi', n: 4, seed: 0 } });
    const [, way] = document.querySelectorAll<HTMLSelectElement>('.jp-orrery-prompt-set select');
    expect([...way.options].map(({ value }) => value)).toEqual(['flip', 'abc', 'third']);
    way.value = 'abc';
    way.dispatchEvent(new Event('change'));
    expect(form.value()).toEqual({ prompts: { set: 'ioi', counterfactual: 'abc', n: 4, seed: 0 } });
    press('Enter as JSON');
    press('Enter in boxes');
    expect(form.value()).toEqual({ prompts: { set: 'ioi', counterfactual: 'abc', n: 4, seed: 0 } });
    press('Enter prompts');
    expect(document.querySelectorAll('.jp-orrery-prompt')).toHaveLength(1);
    expect(form.value()).toMatchObject({ prompts: [{ answer: { correct: [' Mary'], wrong: [' John'] } }] });
    press('Take a set');
    expect(form.value()).toEqual({});
  });

  test('a number of prompts that is too large is refused beside the field', () => {
    const form = make('activation-patching', { prompts: { set: 'ioi', n: 400 } });
    expect(faults()).toEqual([expect.stringContaining('prompts.n')]);
    expect(form.value()).toBeUndefined();
  });

  test.each([
    ['ids', [{ ...pair, clean: [1, 2] }]],
    ['weights', [{ clean: 'a', answer: { weights: [{ token: ' x', weight: -1 }] } }]],
    ['many', Array(40).fill(pair)]
  ])('that boxes cannot say are kept as JSON: %s', (_, prompts) => {
    const form = make('activation-patching', { prompts });
    expect(form.value()).toEqual({ prompts });
    expect(document.querySelector('textarea[aria-label="Prompts as JSON"]')).not.toBeNull();
  });

  test('that are not JSON, or are hostile, are refused beside the field', () => {
    const form = make('activation-patching', { prompts: Array(40).fill(pair) });
    const box = document.querySelector('textarea')!;
    const enter = (text: string): void => {
      box.value = text;
      box.dispatchEvent(new Event('input', { bubbles: true }));
    };
    enter('[{');
    expect(faults()[0]).toContain('This is not JSON');
    enter('[{"clean": "a", "__proto__": {"x": 1}, "more": 2}]');
    expect(faults()[0]).toMatch(/unknown field/);
    expect(form.value()).toBeUndefined();
  });

  test('one is added and removed', () => {
    const form = make('activation-patching', { prompts: [pair] });
    const press = (label: string): void =>
      [...document.querySelectorAll('button')]
        .find(({ textContent, hidden }) => textContent === label && !hidden)!
        .click();
    press('Add a prompt');
    expect(form.value()).toBeUndefined();
    expect(faults()[0]).toContain('prompts[1].clean');
    press('Remove');
    expect(document.querySelectorAll('.jp-orrery-prompt')).toHaveLength(1);
  });
});

describe('lists of numbers', () => {
  test.each([
    ['', undefined],
    [' 1 ', [1]],
    ['0,2–4;9', [0, 2, 3, 4, 9]],
    ['1-99999999', '1-99999999'],
    ['-1', '-1'],
    ['1.5', '1.5'],
    ['1e3', '1e3']
  ])('%s', (text, expected) => expect(readNumbers(text)).toEqual(expected));

  test.each([[[0, 2, 3, 4, 9]], [[5]], [[1, 2]], [[3, 1, 2, 3]]])('%j is written so that it is read back', numbers => {
    expect(readNumbers(writeNumbers(numbers))).toEqual(numbers);
  });
});

describe('heads are picked on a grid', () => {
  const shape = { layers: 3, heads: 4 };
  const cell = (layer: number, head: number): HTMLElement =>
    document.querySelector(`[aria-label="Layer ${layer}, head ${head}"]`)!;
  const chosen = (): string[] =>
    [...document.querySelectorAll('[role=gridcell][aria-selected=true]')].map(node => node.getAttribute('title')!);
  const press = (label: string): void =>
    [...document.querySelectorAll<HTMLElement>('.jp-orrery-pick-label')]
      .find(({ textContent }) => textContent === label)!
      .click();

  test('layers and heads: one, more, a whole row, and all again', () => {
    const form = make('attention-patterns', {}, shape);
    expect(chosen()).toHaveLength(12);
    cell(1, 2).click();
    expect(form.value()).toEqual({ layers: [1], heads: [2] });
    cell(2, 3).click();
    expect(form.value()).toEqual({ layers: [1, 2], heads: [2, 3] });
    expect(chosen()).toEqual(['L1H2', 'L1H3', 'L2H2', 'L2H3']);
    press('L2');
    expect(form.value()).toEqual({ layers: [1], heads: [2, 3] });
    cell(1, 3).click();
    expect(form.value()).toEqual({ layers: [1], heads: [2] });
    press('L1');
    expect(form.value()).toEqual({ heads: [2] });
  });

  test('what is typed is marked, and what is wrong marks nothing', () => {
    make('attention-patterns', { layers: [0] }, shape);
    expect(chosen()).toHaveLength(4);
    type('Heads', '1-2');
    expect(chosen()).toEqual(['L0H1', 'L0H2']);
    type('Heads', 'x');
    expect(chosen()).toEqual([]);
  });

  test('one head of a card; arrows move, and there is one stop for Tab', () => {
    const form = make('head-card', {}, shape);
    expect(chosen()).toEqual(['L1H0']);
    cell(0, 0).focus();
    cell(0, 0).dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true }));
    expect(document.activeElement).toBe(cell(1, 0));
    expect(document.querySelectorAll('.jp-orrery-pick[tabindex="0"]')).toHaveLength(1);
    cell(2, 1).click();
    expect(form.value()).toEqual({ layer: 2, head: 1 });
  });

  test('a model of very many heads keeps the boxes alone', () => {
    make('attention-patterns', {}, { layers: 100, heads: 100 });
    expect(document.querySelector('.jp-orrery-head-picker')).toBeNull();
  });
});

test('clean and corrupted stand in line, what differs is framed, and unequal lengths are said', () => {
  const tokens = (text: string) =>
    text
      .split(' ')
      .map((label, at) => ({ label, id: label.length * 10 + label.charCodeAt(0), start: at, end: at + 1 }));
  const shown = (a: string, b: string): HTMLElement => alignedTokens(tokens(a), b ? tokens(b) : [], trans);
  const differing = (node: HTMLElement): (string | null)[] =>
    [...node.querySelectorAll('.jp-mod-differs')].map(({ textContent }) => textContent);
  expect(differing(shown('a b <i>', 'a c <i>'))).toEqual(['b', 'c']);
  expect(differing(shown('a b', 'a b c'))).toEqual(['–', 'c']);
  expect(shown('a b', 'a b c').textContent).toContain('2 and 3 tokens');
  expect(differing(shown('a b', ''))).toEqual([]);
  expect(shown('a <i>', '').querySelector('i')).toBeNull();
});

test('an example takes the place of the text', () => {
  const form = make('attention-patterns');
  const examples = document.querySelector<HTMLSelectElement>('select[aria-label="Examples"]')!;
  examples.value = '1';
  examples.dispatchEvent(new Event('change'));
  expect(form.value()).toEqual({ text: expect.stringContaining('Mary') });
  expect(examples.value).toBe('');
});
