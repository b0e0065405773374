import { quote } from './quote';
import type { ResultTable, ResultTensor } from './result';
import { decodeTensor } from './tensor-codec';

/** A hostile value at a place → the typed value, or an error that names the place. Results of analyses are made of these. */
export type Check<T> = (value: unknown, at: string) => T;

const LONGEST_TEXT = 400;
const LONGEST_LIST = 20000;

function fail(at: string, allowed: string, value: unknown): never {
  throw new Error(`'${at}' must be ${allowed}, got ${quote(value)}`);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** Exactly these fields; others are left out. */
export const object =
  <T>(fields: { readonly [K in keyof T]: Check<T[K]> }): Check<T> =>
  (value, at) => {
    if (!isRecord(value)) {
      return fail(at, 'an object', value);
    }
    const entries = Object.entries<Check<unknown>>(fields).map(([name, check]) => [
      name,
      check(Object.hasOwn(value, name) ? value[name] : undefined, `${at}.${name}`)
    ]);
    return Object.fromEntries(entries) as T;
  };

/** Text keys to values of one kind: { float32: 811008 }. */
export const record =
  <T>(check: Check<T>, most = 64): Check<Readonly<Record<string, T>>> =>
  (value, at) => {
    const entries = isRecord(value) ? Object.entries(value) : fail(at, 'an object', value);
    if (entries.length > most || entries.some(([key]) => key.length > LONGEST_TEXT || key === '__proto__')) {
      return fail(at, `an object of at most ${most} short names`, value);
    }
    return Object.fromEntries(entries.map(([key, entry]) => [key, check(entry, `${at}.${quote(key)}`)]));
  };

export const list =
  <T>(check: Check<T>, most = LONGEST_LIST): Check<readonly T[]> =>
  (value, at) =>
    Array.isArray(value) && value.length <= most
      ? value.map((entry, i) => check(entry, `${at}[${i}]`))
      : fail(at, `a list of at most ${most}`, value);

export const text: Check<string> = (value, at) =>
  typeof value === 'string' && value.length <= LONGEST_TEXT
    ? value
    : fail(at, `a text of at most ${LONGEST_TEXT} characters`, value);

export const number: Check<number> = (value, at) =>
  typeof value === 'number' && Number.isFinite(value) ? value : fail(at, 'a number', value);

export const count: Check<number> = (value, at) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : fail(at, 'an integer from 0', value);

export const flag: Check<boolean> = (value, at) =>
  typeof value === 'boolean' ? value : fail(at, 'true or false', value);

export const oneOf =
  <const T extends string>(...options: readonly T[]): Check<T> =>
  (value, at) =>
    options.find(option => option === value) ?? fail(at, `one of ${options.join(', ')}`, value);

export const orNull =
  <T>(check: Check<T>): Check<T | null> =>
  (value, at) =>
    value === null ? null : check(value, at);

export const optional =
  <T>(check: Check<T>): Check<T | undefined> =>
  (value, at) =>
    value === undefined ? undefined : check(value, at);

/** A table of these columns, all of one length. */
export const table =
  (columns: Readonly<Record<string, Check<string | number>>>): Check<ResultTable> =>
  (value, at) => {
    const given = isRecord(value) && isRecord(value.columns) ? value.columns : fail(at, 'a table with columns', value);
    const checked = Object.entries(columns).map(([name, cell]) => {
      const cells = Object.hasOwn(given, name) ? given[name] : undefined;
      return [name, list(cell)(cells, `${at}.columns.${name}`)] as const;
    });
    if (new Set(checked.map(([, cells]) => cells.length)).size > 1) {
      return fail(at, 'a table whose columns have one length', value);
    }
    return { columns: Object.fromEntries(checked) };
  };

/** A tensor of these axes and this type whose data fill its shape, and whose numbers are finite. */
export const tensor =
  <D extends ResultTensor['dtype']>(
    dtype: D,
    ...dims: readonly string[]
  ): Check<ResultTensor & { readonly dtype: D }> =>
  (value, at) =>
    tensorOf(dtype, dims, Number.isFinite, value, at);

/** A float32 tensor of one of these lists of axes, whose cells may be missing: NaN. */
export const gappedTensor =
  (...choices: readonly (readonly string[])[]): Check<ResultTensor & { readonly dtype: 'float32' }> =>
  (value, at) => {
    const named = isRecord(value) && Array.isArray(value.dims) ? value.dims.join() : '';
    const dims = choices.find(names => names.join() === named) ?? choices[0];
    return tensorOf('float32', dims, number => !(Math.abs(number) === Infinity), value, at);
  };

function tensorOf<D extends ResultTensor['dtype']>(
  dtype: D,
  dims: readonly string[],
  allowed: (number: number) => boolean,
  value: unknown,
  at: string
): ResultTensor & { readonly dtype: D } {
  const given = isRecord(value) ? value : fail(at, 'a tensor', value);
  const shape = list(count, dims.length)(given.shape, `${at}.shape`);
  const named = list(text, dims.length)(given.dims, `${at}.dims`);
  if (shape.length !== dims.length || named.join() !== dims.join() || given.dtype !== dtype) {
    return fail(at, `a ${dtype} tensor of axes [${dims.join(', ')}]`, value);
  }
  const data = typeof given.data === 'string' ? given.data : fail(`${at}.data`, 'base64', given.data);
  const checked: ResultTensor & { readonly dtype: D } = {
    dims: named,
    shape,
    dtype,
    data,
    ...(given.encoding === undefined ? {} : { encoding: oneOf('deflate')(given.encoding, `${at}.encoding`) }),
    ...(given.unit === undefined ? {} : { unit: text(given.unit, `${at}.unit`) }),
    ...(given.scale === undefined
      ? {}
      : { scale: oneOf('square-root', 'signed-square-root')(given.scale, `${at}.scale`) })
  };
  return holdsNumbers(checked, at, allowed);
}

function holdsNumbers<T extends ResultTensor>(checked: T, at: string, allowed: (value: number) => boolean): T {
  try {
    if (!decodeTensor(checked).every(allowed)) {
      throw new Error('a number is not finite');
    }
  } catch (error) {
    throw new Error(`'${at}': ${(error as Error).message}`);
  }
  return checked;
}

/** Throws unless both counts agree: the sizes that a result states twice. */
export function agree(at: string, stated: number, found: number): void {
  if (stated !== found) {
    throw new Error(`'${at}': ${found} where ${stated} belong`);
  }
}
