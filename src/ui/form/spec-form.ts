import type { Field } from '../../analyses/spec/spec';
import type { AnalysisEntry } from '../../report/list-analyses';
import { fieldFault, specFault } from '../../report/spec-faults';
import { element } from '../element';
import type { Control, ControlContext } from './control';
import { fieldControl } from './field-control';
import type { HeadFields } from './head-fields';
import { headFields } from './head-fields';

export interface SpecForm {
  readonly node: HTMLElement;
  /** The spec without what is at its default; undefined while a field is wrong. */
  value(): Readonly<Record<string, unknown>> | undefined;
  dispose(): void;
}

interface FieldRow {
  readonly name: string;
  readonly field: Field;
  readonly control: Control;
  readonly node: HTMLElement;
  readonly fault: HTMLElement;
}

let made = 0;

export interface FormContext extends Omit<ControlContext, 'onChange'> {
  /** Whether the open model has no use for fields of this kind; without an open model all are shown. */
  readonly lacks?: (only: NonNullable<Field['only']>) => boolean;
}

/** The form of an analysis, made from its fields: each with its description, and what is wrong beside it. */
export function specForm(
  entry: AnalysisEntry,
  given: Readonly<Record<string, unknown>>,
  context: FormContext,
  onChange: () => void
): SpecForm {
  const whole = element('p', { class: 'jp-orrery-fault', role: 'status' });
  let rows: readonly FieldRow[] = [];
  let picker: HeadFields | undefined = undefined as HeadFields | undefined;
  let value: Readonly<Record<string, unknown>> | undefined;
  const check = (): void => {
    const readings = rows.map(row => ({ row, ...readRow(entry, row) }));
    readings.forEach(({ row, fault }) => sayFault(row, fault));
    const spec = Object.fromEntries(
      readings.flatMap(({ row: { name, field }, value: read }) => (isUsual(field, read) ? [] : [[name, read] as const]))
    );
    const sound = readings.every(({ fault }) => fault === undefined);
    const together = sound ? specFault(entry, spec) : undefined;
    whole.textContent = together ?? '';
    picker?.show();
    value = sound && together === undefined ? spec : undefined;
  };
  const changed = (): void => {
    if (rows.length) {
      check();
      onChange();
    }
  };
  rows = Object.entries(entry.spec).map(([name, field]) =>
    fieldRow(name, field, fieldControl(field, given[name], { ...context, onChange: changed }))
  );
  picker = headFields(rows, context, changed);
  check();
  const shown = rows.filter(
    ({ name, field }) => field.only === undefined || given[name] !== undefined || !context.lacks?.(field.only)
  );
  return {
    node: element(
      'div',
      { class: 'jp-orrery-form' },
      ...shown.flatMap(row => (row === picker?.before ? [picker.node, row.node] : [row.node])),
      whole
    ),
    value: () => value,
    dispose: () => rows.forEach(({ control }) => control.dispose())
  };
}

const isUsual = (field: Field, value: unknown): boolean =>
  value === undefined || JSON.stringify(value) === JSON.stringify(field.default);

function readRow(entry: AnalysisEntry, { name, control }: FieldRow): { value?: unknown; fault?: string } {
  const reading = control.read();
  if ('fault' in reading) {
    return reading;
  }
  const fault = fieldFault(entry, name, reading.value);
  return { value: reading.value, ...(fault !== undefined && { fault }) };
}

/** 'field 'top' must be …' → 'Must be …': the field is beside it. */
function sayFault({ name, control, fault, node }: FieldRow, words: string | undefined): void {
  const start = `field '${name}' `;
  const said = words?.startsWith(start) ? words[start.length].toUpperCase() + words.slice(start.length + 1) : words;
  fault.textContent = said ?? '';
  node.classList.toggle('jp-mod-wrong', words !== undefined);
  control.input?.setAttribute('aria-invalid', String(words !== undefined));
}

function fieldRow(name: string, field: Field, control: Control): FieldRow {
  const id = `jp-orrery-field-${made++}`;
  const about = element('p', { class: 'jp-orrery-hint', id: `${id}-about` }, field.description);
  const fault = element('p', { class: 'jp-orrery-fault', id: `${id}-fault`, role: 'status' });
  const label = element(
    control.input ? 'label' : 'span',
    { class: 'jp-orrery-field-label', id: `${id}-label` },
    field.title
  );
  const target = control.input ?? control.node;
  target.setAttribute('aria-describedby', `${id}-about ${id}-fault`);
  if (control.input) {
    control.input.id = id;
    label.setAttribute('for', id);
  } else {
    control.node.setAttribute('aria-labelledby', `${id}-label`);
  }
  const node = element('div', { class: `jp-orrery-field jp-mod-${field.type}` }, label, control.node, fault, about);
  return { name, field, control, node, fault };
}
