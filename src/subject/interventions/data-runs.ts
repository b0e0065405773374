import type { Tensor } from '../../onnx/tensor';
import { random } from '../../maths/random';
import { createCache } from '../cache';
import type { Context } from '../context';
import { servedHook, type ServedHook } from '../hook-names';
import { hookBytes, type RequestSizes } from '../cost';
import type { Intervention, Interventions } from './interventions';
import { runningMean } from './running-mean';
import type { Cache, Subject } from '../subject';

type Rows = readonly (readonly number[])[];
type Runs = Pick<Subject, 'anatomy' | 'forward'>;

/** Rows of ids that interventions take values from: a prompt, several, or a data set. */
export type DataRuns = Readonly<Record<string, Rows>>;

/**
 * The list with what it reads of these runs, made by forwards in chunks. Of a mean, the mean alone is kept, whatever the number of rows; `resample` becomes a patch from
 * rows drawn for the `rows` rows to come, for each intervention anew. Rows of different lengths serve a mean over `all` only. Throws where the values would not fit in memory.
 */
export const captureRuns = async (
  subject: Runs,
  list: readonly Intervention[],
  runs: DataRuns,
  { rows, seed }: { readonly rows: number; readonly seed: number },
  context: Context
): Promise<Pick<Interventions, 'list'> & Required<Pick<Interventions, 'runs'>>> => {
  const stream = random(seed);
  const drawn = list.map((intervention, at): Intervention => {
    const { op, from } = intervention;
    return op === 'resample' && ofThese(runs, from)
      ? { ...intervention, op: 'patch', from: `${from}, drawn for interventions[${at}]` }
      : intervention;
  });
  const caches: Record<string, Cache> = {};
  for (const name of Object.keys(runs).filter(known => list.some(({ from }) => from === known))) {
    refuseEmpty(runs[name], name);
    const plain = drawn.filter(({ from }) => from === name);
    caches[name] =
      plain.length > 0 ? await captureRun(subject, plain, name, runs[name], context) : createCache(new Map());
  }
  for (const [at, { from }] of list.entries()) {
    const { from: name } = drawn[at];
    if (name !== undefined && name !== from) {
      const source = runs[from!];
      const chosen = Array.from({ length: rows }, () => source[stream.below(source.length)]);
      oneLength(source, from!);
      caches[name] = await captureRun(subject, [drawn[at]], name, chosen, context);
    }
  }
  return { list: drawn, runs: caches };
};

const ofThese = (runs: DataRuns, name: string | undefined): boolean => name !== undefined && Object.hasOwn(runs, name);

const refuseEmpty = (rows: Rows, name: string): void => {
  if (rows.length === 0 || rows.some(({ length }) => length === 0)) {
    throw new Error(`run empty: '${name}' has ${rows.length === 0 ? 'no rows' : 'a row without tokens'}`);
  }
};

type Kind = 'rows' | 'mean' | 'mean of all';
const KINDS: readonly Kind[] = ['rows', 'mean', 'mean of all'];

const kindOf = ({ op, over }: Intervention): Kind => (op !== 'mean' ? 'rows' : over === 'all' ? 'mean of all' : 'mean');

/** Rows also give the means, and a mean by position also gives the one over all: each hook is captured once. */
const captureRun = async (
  subject: Runs,
  users: readonly Intervention[],
  name: string,
  rows: Rows,
  context: Context
): Promise<Cache> => {
  const kinds = new Map<string, { readonly hook: ServedHook; kind: Kind }>();
  for (const user of users) {
    const hook = servedHook(subject.anatomy, user.hook, user.allow === 'unverified');
    const kind = kindOf(user);
    const known = kinds.get(hook.name)?.kind ?? kind;
    kinds.set(hook.name, { hook, kind: KINDS.indexOf(kind) < KINDS.indexOf(known) ? kind : known });
  }
  const tensors = new Map<string, Tensor>();
  for (const kind of KINDS) {
    const hooks = [...kinds.values()].filter(use => use.kind === kind).map(({ hook }) => hook);
    if (hooks.length > 0) {
      const made = await CAPTURES[kind](subject, hooks, name, rows, context);
      made.names.forEach(hook => tensors.set(hook, made.get(hook)));
    }
  }
  return createCache(tensors);
};

type Capture = (
  subject: Runs,
  hooks: readonly ServedHook[],
  name: string,
  rows: Rows,
  context: Context
) => Promise<Cache>;

const MOST_BYTES = 2 ** 30;

const CAPTURES: Readonly<Record<Kind, Capture>> = {
  rows: async (subject, hooks, name, rows, context) => {
    const length = oneLength(rows, name);
    const bytes = bytesOf(hooks, { rows: rows.length, length });
    if (bytes > MOST_BYTES) {
      throw new Error(
        `run too large: '${name}' has ${rows.length} rows of ${length} tokens, ${bytes} bytes at ${hooks.length} hooks, at most ${MOST_BYTES}`
      );
    }
    return forward(subject, hooks, rows, context);
  },
  mean: (subject, hooks, name, rows, context) => meansOf(subject, hooks, { name, rows }, 'rows', context),
  'mean of all': (subject, hooks, name, rows, context) => meansOf(subject, hooks, { name, rows }, 'all', context)
};

/** What may be changed may be read: each intervention's hook has been checked. */
const forward = (
  subject: Pick<Subject, 'forward'>,
  hooks: readonly ServedHook[],
  ids: Rows,
  context: Context
): Promise<Cache> => subject.forward({ ids, hooks: hooks.map(({ name }) => name), allowUnverified: true }, context);

const bytesOf = (hooks: readonly ServedHook[], sizes: RequestSizes): number =>
  hooks.reduce((sum, hook) => sum + hookBytes(hook, sizes), 0);

const oneLength = (rows: Rows, name: string): number => {
  const [{ length }] = rows;
  const odd = rows.findIndex(row => row.length !== length);
  if (odd >= 0) {
    throw new Error(
      `rows uneven: the run '${name}' has ${length} tokens in row 0 and ${rows[odd].length} in row ${odd}; only a mean over 'all' takes both`
    );
  }
  return length;
};

const CHUNK_BYTES = 2 ** 26;

/** Each hook's mean over rows, in float64: position by position, [1, pos, …], or over all positions of rows of any length, [1, 1, …]. */
export const meansOf = async (
  subject: Pick<Subject, 'forward'>,
  hooks: readonly ServedHook[],
  { name, rows }: { readonly name: string; readonly rows: Rows },
  over: 'rows' | 'all',
  context: Context
): Promise<Cache> => {
  refuseEmpty(rows, name);
  if (over === 'rows') {
    oneLength(rows, name);
  }
  const sums = new Map(hooks.map(hook => [hook.name, runningMean(hook, over)]));
  let done = 0;
  for (const chunk of chunksOf(rows, hooks)) {
    context.signal.throwIfAborted();
    context.progress({ done, total: rows.length, label: `row ${done + 1} of ${rows.length}` });
    const cache = await forward(subject, hooks, chunk, { signal: context.signal, progress: () => undefined });
    sums.forEach((sum, hook) => sum.add(cache.get(hook)));
    done += chunk.length;
  }
  return createCache(new Map([...sums].map(([hook, sum]) => [hook, sum.mean()])));
};

/** Rows of one length together, as many as are held at once. */
const chunksOf = (rows: Rows, hooks: readonly ServedHook[]): readonly Rows[] => {
  const byLength = new Map<number, (readonly number[])[]>();
  rows.forEach(row => byLength.set(row.length, [...(byLength.get(row.length) ?? []), row]));
  return [...byLength].flatMap(([length, alike]) => {
    const most = Math.max(1, Math.floor(CHUNK_BYTES / bytesOf(hooks, { rows: 1, length })));
    return Array.from({ length: Math.ceil(alike.length / most) }, (_, at) => alike.slice(at * most, (at + 1) * most));
  });
};
