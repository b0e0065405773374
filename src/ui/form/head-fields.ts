import type { Field } from '../../analyses/spec/spec';
import { element } from '../element';
import type { Control } from './control';
import type { HeadShape } from './head-picker';
import { canPickHeads, headPicker } from './head-picker';
import type { Translate } from '../translate';

/** A field with its control. */
export interface NamedControl {
  readonly name: string;
  readonly field: Field;
  readonly control: Control;
}

export interface HeadFields {
  readonly node: HTMLElement;
  /** The field that the picker stands before. */
  readonly before: NamedControl;
  /** Marks what the fields hold now. */
  show(): void;
}

/** Fields that name a head together: any layers × any heads, or one head. */
const PAIRS: readonly { readonly names: readonly [string, string]; readonly type: Field['type'] }[] = [
  { names: ['layers', 'heads'], type: 'indices' },
  { names: ['layer', 'head'], type: 'integer' },
  { names: ['headLayer', 'head'], type: 'integer' }
];

/** A grid of the model's heads over the fields that name them; undefined where there are none, or no model is open. */
export function headFields(
  fields: readonly NamedControl[],
  { shape, trans }: { readonly shape: HeadShape | undefined; readonly trans: Translate },
  onChange: () => void
): HeadFields | undefined {
  const found = PAIRS.flatMap(({ names, type }) => {
    const pair = names.map(name => fields.find(field => field.name === name && field.field.type === type));
    return pair[0] && pair[1] ? [{ layers: pair[0], heads: pair[1], single: type === 'integer' }] : [];
  })[0];
  if (!found || !shape || !canPickHeads(shape)) {
    return undefined;
  }
  const { layers, heads, single } = found;
  const picker = headPicker({
    shape,
    trans,
    single,
    onPick: (rows, columns) => {
      layers.control.write?.(single ? (rows?.[0] ?? 0) : rows);
      heads.control.write?.(single ? (columns?.[0] ?? 0) : columns);
      onChange();
    }
  });
  const held = ({ control }: NamedControl): readonly number[] | undefined => {
    const reading = control.read();
    const value = 'value' in reading ? reading.value : [];
    return typeof value === 'number' ? [value] : (value as readonly number[] | undefined);
  };
  const label = element(
    'span',
    { class: 'jp-orrery-field-label' },
    single ? trans.__('Pick the head') : trans.__('Pick heads')
  );
  const node = element('div', { class: 'jp-orrery-field' }, label, picker.node);
  return { node, before: layers, show: () => picker.show(held(layers), held(heads)) };
}
