import type { Field } from '../../analyses/spec/spec';
import { element } from '../element';
import type { Control, ControlContext, Reading } from './control';
import { liveTokens } from './live-tokens';
import { readNumbers, writeNumbers } from './number-list';
import { promptsControl } from './prompts-control';
import { textPresets } from './text-presets';

type Make = {
  readonly [K in Field['type']]: (
    field: Extract<Field, { type: K }>,
    given: unknown,
    context: ControlContext
  ) => Control;
};

/** The control of one field, holding `given` where it can, else the field's default. */
export const fieldControl = (field: Field, given: unknown, context: ControlContext): Control =>
  MAKE[field.type](field as never, given, context);

const nothing = (): void => undefined;

const simple = (
  input: HTMLInputElement | HTMLSelectElement,
  read: () => Reading,
  { onChange }: ControlContext
): Control => {
  input.addEventListener(
    input instanceof HTMLSelectElement || input.type === 'checkbox' ? 'change' : 'input',
    onChange
  );
  return { node: input, input, read, dispose: nothing };
};

const numeric: Make['integer'] & Make['number'] = (
  field: Extract<Field, { type: 'integer' | 'number' }>,
  given: unknown,
  context: ControlContext
) => {
  const { minimum, maximum, type } = field;
  const step = type === 'integer' ? 1 : 'any';
  const input = element('input', { class: 'jp-mod-styled', type: 'number', min: minimum, max: maximum, step });
  input.value = String(typeof given === 'number' ? given : field.default);
  const read = (): Reading => {
    if (input.value === '') {
      return input.validity.badInput ? { fault: context.trans.__('This is not a number.') } : { value: undefined };
    }
    return { value: Number(input.value) };
  };
  return { ...simple(input, read, context), write: value => (input.value = String(value)) };
};

const numbers: Make['ids'] & Make['indices'] = (
  field: Extract<Field, { type: 'ids' | 'indices' }>,
  given: unknown,
  context: ControlContext
) => {
  const { trans } = context;
  const input = element('input', {
    class: 'jp-mod-styled',
    type: 'text',
    placeholder:
      field.type === 'indices' ? trans.__('all; or for example 0, 2-4') : trans.__('for example 464, 3797, 3332')
  });
  input.value = Array.isArray(given) ? writeNumbers(given as number[]) : '';
  const read = (): Reading => {
    const value = readNumbers(input.value);
    return typeof value === 'string'
      ? { fault: trans.__('‘%1’ is neither a number nor a range.', value.slice(0, 40)) }
      : { value };
  };
  return {
    ...simple(input, read, context),
    write: value => (input.value = Array.isArray(value) ? writeNumbers(value as number[]) : '')
  };
};

/** Texts to begin with, under a text that the model reads. */
function presetChoice({ trans }: ControlContext, onChoose: (text: string) => void): HTMLElement {
  const presets = textPresets(trans);
  const select = element(
    'select',
    { class: 'jp-orrery-presets jp-mod-styled', 'aria-label': trans.__('Examples') },
    element('option', { value: '' }, trans.__('Examples…')),
    ...presets.map(({ label }, at) => element('option', { value: at }, label))
  );
  select.addEventListener('change', () => {
    if (select.value !== '') {
      onChoose(presets[Number(select.value)].text);
      select.value = '';
    }
  });
  return select;
}

const MAKE: Make = {
  text: (field, given, context) => {
    const input = element('textarea', { class: 'jp-mod-styled', rows: 2, dir: 'auto' });
    input.value = typeof given === 'string' ? given : (field.default ?? '');
    const tokens = field.read ? liveTokens(context) : undefined;
    input.addEventListener('input', () => {
      tokens?.show(input.value);
      context.onChange();
    });
    tokens?.show(input.value);
    const presets =
      field.default === undefined || field.default.includes('\n')
        ? undefined
        : presetChoice(context, text => {
            input.value = text;
            tokens?.show(text);
            context.onChange();
          });
    return {
      node: element('div', {}, input, presets, tokens?.node),
      input,
      read: () => ({ value: input.value === '' && field.default === undefined ? undefined : input.value }),
      dispose: () => tokens?.dispose()
    };
  },
  ids: numbers,
  indices: numbers,
  integer: numeric,
  number: numeric,
  choice: ({ options, default: usual }, given, context) => {
    const input = element(
      'select',
      { class: 'jp-mod-styled' },
      ...options.map(value => element('option', { value }, value))
    );
    input.value = typeof given === 'string' && options.includes(given) ? given : usual;
    return simple(input, () => ({ value: input.value }), context);
  },
  flag: (field, given, context) => {
    const input = element('input', { type: 'checkbox' });
    input.checked = typeof given === 'boolean' ? given : field.default;
    return simple(input, () => ({ value: input.checked }), context);
  },
  prompts: (field, given, context) => promptsControl(given ?? field.default, context)
};
