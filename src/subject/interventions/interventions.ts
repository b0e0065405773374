import type { Tensor } from '../../onnx/tensor';
import { INTERVENTION_OPS, type InterventionOp } from './intervention-ops';
import { nestedTensor } from '../nested-tensor';
import { nearest } from '../near-names';
import type { Cache } from '../subject';

/** One change to a hook's value while the model runs; what is not selected stays. */
export interface Intervention {
  /** In full, or TransformerLens 3's name. */
  readonly hook: string;
  readonly op: InterventionOp;
  readonly heads?: readonly number[];
  /** Positions, of the query for patterns and scores; negative ones count from the end. */
  readonly pos?: readonly number[];
  /** Places on the last axis: of the residual stream, a head or the MLP; the key's position for patterns and scores. */
  readonly features?: readonly number[];
  /** Rows of the batch. */
  readonly row?: readonly number[];
  /** A number, or a tensor that broadcasts to what is selected, [row, pos, head, d_head] and the like. */
  readonly value?: number | Tensor;
  /** The run whose value at the same hook is taken. */
  readonly from?: string;
  /** lerp: x' = (1 − alpha) x + alpha · other; add: x' = x + alpha · other. */
  readonly alpha?: number;
  /** mean: over the run's rows, position by position, or over its rows and positions. */
  readonly over?: 'rows' | 'all';
  /** Says yes to a hook that the certificate did not verify. */
  readonly allow?: 'unverified';
}

export interface Interventions {
  /** Those at one tensor act in this order. */
  readonly list: readonly Intervention[];
  /** The runs that `from` names, holding the hooks that it is used at. */
  readonly runs?: Readonly<Record<string, Cache>>;
  /** Of `resample`; 0 where absent. */
  readonly seed?: number;
  /** For hooks, in full, others of the same run whose sum their readers get instead, before the list acts: what skips a skip connection. */
  readonly wiring?: Readonly<Record<string, readonly string[]>>;
}

const MOST = 10_000;
const MOST_INDICES = 100_000;

/** A list from JSON, every field checked; hooks, ranges and sizes are checked against the model when it runs. */
export const readInterventions = (json: unknown): readonly Intervention[] => {
  if (!Array.isArray(json) || json.length > MOST) {
    throw new Error(
      `interventions malformed: ${Array.isArray(json) ? json.length : what(json)}, wanted a list of at most ${MOST}`
    );
  }
  return json.map((item: unknown, index) => readOne(item, `interventions[${index}]`));
};

const readOne = (item: unknown, at: string): Intervention => {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    throw new Error(`intervention malformed: ${at} is ${what(item)}, wanted an object`);
  }
  const entries = Object.entries(item).filter(([, value]) => value !== undefined);
  const names = Object.keys(FIELDS);
  const strange = entries.find(([name]) => !names.includes(name));
  if (strange !== undefined) {
    throw new Error(`field unknown: '${strange[0].slice(0, 40)}' of ${at}${nearest(strange[0], names)}`);
  }
  const read = Object.fromEntries(entries.map(([name, value]) => [name, FIELDS[name](value, `${at}.${name}`)]));
  const { hook, op } = read;
  if (hook === undefined || op === undefined) {
    throw new Error(`field missing: '${hook === undefined ? 'hook' : 'op'}' of ${at}`);
  }
  const intervention = read as unknown as Intervention;
  checkOperands(intervention, at);
  return intervention;
};

type Field = (value: unknown, at: string) => unknown;

const oneOf =
  (...known: readonly string[]): Field =>
  (value, at) => {
    if (typeof value !== 'string' || !known.includes(value)) {
      throw new Error(`field wrong: ${at} is ${what(value)}, wanted ${known.join(', ')}`);
    }
    return value;
  };

const text: Field = (value, at) => {
  if (typeof value !== 'string' || value === '' || value.length > 200) {
    throw new Error(`field wrong: ${at} is ${what(value)}, wanted a name`);
  }
  return value;
};

const number: Field = (value, at) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new Error(`field wrong: ${at} is ${what(value)}, wanted a finite number`);
  }
  return value;
};

/** One index or a list of different ones. */
const indices =
  (least: number): Field =>
  (value, at) => {
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    const wrong = list.find(index => !Number.isInteger(index) || (index as number) < least);
    if (wrong !== undefined || list.length === 0 || list.length > MOST_INDICES) {
      throw new Error(`field wrong: ${at} is ${what(wrong ?? value)}, wanted one whole number or a list of them`);
    }
    if (new Set(list).size < list.length) {
      throw new Error(`field wrong: ${at} holds an index twice`);
    }
    return list;
  };

const op: Field = (value, at) => (value === 'suppress' ? 'zero' : oneOf(...Object.keys(INTERVENTION_OPS))(value, at));

const FIELDS: Readonly<Record<string, Field>> = {
  hook: text,
  op,
  heads: indices(0),
  pos: indices(-(2 ** 31)),
  features: indices(0),
  row: indices(0),
  value: (value, at) => (typeof value === 'number' ? number(value, at) : nestedTensor(value, at)),
  from: text,
  alpha: number,
  over: oneOf('rows', 'all'),
  allow: oneOf('unverified')
};

/** What the operation works with is there, and nothing that it would not look at. */
const checkOperands = (intervention: Intervention, at: string): void => {
  const { op: name, value, from } = intervention;
  const { operand, fields } = INTERVENTION_OPS[name];
  const given = [...(value !== undefined ? ['value'] : []), ...(from !== undefined ? ['from'] : [])];
  const wanted = OPERANDS[operand];
  if (!wanted.some(names => names.join() === given.join())) {
    const ways = wanted.map(names => names.join() || 'neither value nor from').join(' or ');
    throw new Error(`operand wrong: '${name}' of ${at} wants ${ways}, got ${given.join(' and ') || 'neither'}`);
  }
  const optional = ['alpha', 'over', 'features'] as const;
  const extra = optional.find(field => intervention[field] !== undefined && fields[field] === 'refused');
  const missing = optional.find(field => intervention[field] === undefined && fields[field] === 'required');
  if (extra !== undefined || missing !== undefined) {
    throw new Error(
      `field ${extra ? 'wrong' : 'missing'}: '${name}' of ${at} ${extra ? `takes no '${extra}'` : `wants '${missing}'`}`
    );
  }
};

const OPERANDS: Readonly<Record<'none' | 'value' | 'from' | 'either', readonly (readonly string[])[]>> = {
  none: [[]],
  value: [['value']],
  from: [['from']],
  either: [['value'], ['from']]
};

/** A value as it stands in a message. */
const what = (value: unknown): string =>
  typeof value === 'string'
    ? `'${value.slice(0, 40)}'`
    : Array.isArray(value)
      ? 'a list'
      : value === null || typeof value !== 'object'
        ? String(value)
        : 'an object';
