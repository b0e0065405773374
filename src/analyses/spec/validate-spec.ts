import { promptsFault } from './prompts-fault';
import { quote } from '../quote';
import type { Field, Spec, SpecFields } from './spec';
import { MAX_ID, MAX_IDS, MAX_INDEX, MAX_INDICES } from './spec';

/** What validation needs of an analysis. */
export interface Specified<F extends SpecFields> {
  readonly id: string;
  readonly spec: F;
}

/**
 * A hostile value → a spec with its defaults, or an error that names analysis, field, value and what is allowed. Where an
 * analysis takes `text` or `ids`, giving both is an error, and ids displace the default text.
 */
export function validateSpec<F extends SpecFields>(analysis: Specified<F>, value: unknown): Spec<F> {
  try {
    return validate(analysis.spec, value);
  } catch (error) {
    throw new Error(`analysis '${analysis.id}': ${(error as Error).message}`);
  }
}

function validate<F extends SpecFields>(fields: F, value: unknown): Spec<F> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new Error(`the spec must be an object of fields, got ${quote(value)}`);
  }
  const given = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find(name => !Object.hasOwn(fields, name));
  if (unknown !== undefined) {
    throw new Error(`unknown field ${quote(unknown)} (known: ${Object.keys(fields).join(', ') || 'none'})`);
  }
  const spec = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, read(name, field, given)]));
  return withOneInput(fields, given, spec) as Spec<F>;
}

/** null stands for absent, as other languages write it. */
function isGiven(given: Readonly<Record<string, unknown>>, name: string): boolean {
  return Object.hasOwn(given, name) && given[name] !== undefined && given[name] !== null;
}

function read(name: string, field: Field, given: Readonly<Record<string, unknown>>): unknown {
  if (!isGiven(given, name)) {
    return field.default;
  }
  const value = given[name];
  if (field.type === 'prompts') {
    const fault = promptsFault(value, name);
    if (fault !== undefined) {
      throw new Error(fault);
    }
    return JSON.parse(JSON.stringify(value), (_, part) => part ?? undefined);
  }
  const { holds, allowed } = CHECKS[field.type](field as never, value);
  if (!holds) {
    throw new Error(`field '${name}' must be ${allowed}, got ${quote(value)}${offender(value)}`);
  }
  return Array.isArray(value) ? [...(value as number[])] : value;
}

/** The first entry that is not a plain count, for the message. */
function offender(value: unknown): string {
  const wrong = Array.isArray(value) ? value.slice(0, MAX_IDS).findIndex(entry => !isInteger(entry, 0, MAX_ID)) : -1;
  return wrong < 0 ? '' : ` with ${quote((value as unknown[])[wrong])} at ${wrong}`;
}

/** Ways to say what a model reads. */
export const INPUTS = ['text', 'ids', 'image', 'tensors'] as const;

function withOneInput(
  fields: SpecFields,
  given: Readonly<Record<string, unknown>>,
  spec: Record<string, unknown>
): Record<string, unknown> {
  const both = fields['text']?.type === 'text' && fields['ids']?.type === 'ids';
  const [one, other] = both ? INPUTS.filter(name => fields[name] && isGiven(given, name)) : [];
  if (other !== undefined) {
    throw new Error(`fields '${one}' and '${other}' exclude each other: give one`);
  }
  return one === undefined || one === 'text' ? spec : { ...spec, text: undefined };
}

interface Outcome {
  readonly holds: boolean;
  readonly allowed: string;
}

type Plain = Exclude<Field['type'], 'prompts'>;
type Checks = { readonly [K in Plain]: (field: Extract<Field, { type: K }>, value: unknown) => Outcome };

const CHECKS: Checks = {
  text: ({ maxLength }, value) => ({
    holds: typeof value === 'string' && value.length <= maxLength,
    allowed: `a text of at most ${maxLength} characters`
  }),
  ids: (_, value) => ({
    holds: isIntegers(value, 1, MAX_IDS, MAX_ID),
    allowed: `a list of 1 to ${MAX_IDS} token ids`
  }),
  integer: ({ minimum, maximum }, value) => ({
    holds: isInteger(value, minimum, maximum),
    allowed: `an integer from ${minimum} to ${maximum}`
  }),
  number: ({ minimum, maximum }, value) => ({
    holds: typeof value === 'number' && value >= minimum && value <= maximum,
    allowed: `a number from ${minimum} to ${maximum}`
  }),
  choice: ({ options }, value) => ({
    holds: options.some(option => option === value),
    allowed: `one of ${options.map(option => `'${option}'`).join(', ')}`
  }),
  indices: (_, value) => ({
    holds: isIntegers(value, 1, MAX_INDICES, MAX_INDEX) && new Set(value).size === value.length,
    allowed: `a list of 1 to ${MAX_INDICES} different indices from 0`
  }),
  flag: (_, value) => ({ holds: typeof value === 'boolean', allowed: 'true or false' })
};

function isInteger(value: unknown, minimum: number, maximum: number): value is number {
  return Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum;
}

function isIntegers(value: unknown, least: number, most: number, maximum: number): value is number[] {
  return (
    Array.isArray(value) &&
    value.length >= least &&
    value.length <= most &&
    value.every(entry => isInteger(entry, 0, maximum))
  );
}
