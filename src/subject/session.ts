import { isContent } from '../anatomy/certificate/row-input';
import type { Tensor } from '../onnx/tensor';
import type { Prepared } from '../runtime/runtime';
import type { Context } from './context';
import type { RequestSizes } from './cost';
import { buildFeeds, mainInput, ownLengths, type Feedable, type Rows } from './inputs/feeds';
import type { TokenTime } from './token-time';

/** The instrumented model, ready to run on rows of ids. */
export interface Session {
  /** Runs in chunks of rows; each fetch as the chunks' tensors, in order. Each chunk is fed its rows of `feeds` and `shared`, or their one row. */
  run(
    rows: Rows,
    fetches: readonly string[],
    feeds: Feeds,
    context: Context,
    shared?: Readonly<Record<string, Tensor>>
  ): Promise<Chunks>;
  /** Whether these rows run in a session of their own, made for the run. */
  alone(rows: number, length: number, feeds: Feeds, fetches: readonly string[]): boolean;
  /** Rows of each run that `run` makes. */
  plan(rows: number, length: number, feeds: Feeds): readonly number[];
  /** The same session, its inputs read otherwise. */
  reading(inputs: readonly Feedable[]): Session;
  release(): Promise<void>;
}

/** Tensors for inputs by name, instead of what the roles give. */
export type Feeds = Readonly<Record<string, Tensor>> | undefined;

export interface Chunks {
  readonly rows: readonly number[];
  /** Positions of the sequences that the rows are not, by their inputs. */
  readonly lengths: Readonly<Record<string, number>>;
  readonly tensors: Readonly<Record<string, readonly Tensor[]>>;
}

export interface SessionOptions {
  readonly prepared: Prepared;
  readonly inputs: readonly Feedable[];
  /** Rows may share a run: false for files that quantise activations by the whole tensor, whose batches differ. */
  readonly batches: boolean;
  /** Tokens of one run at most, but never less than a row. */
  readonly chunkTokens: number;
  /** Told what runs take. */
  readonly time: TokenTime;
  /** For runs that would hold too much that nobody asked for; without it all runs are of `prepared`. */
  readonly lean?: Lean;
}

interface Lean {
  /** Of an output in a run of these sizes; 0 where it is no hook. */
  readonly bytes: (output: string, sizes: RequestSizes) => number;
  /** Makes the model ready to run with these outputs alone. */
  readonly prepare: (outputs: readonly string[]) => Promise<Prepared>;
}

/** Of outputs that nobody asked for: what a run may hold before it is worth a session without them. */
const MOST_UNASKED = 2 ** 29;

export const createSession = (options: SessionOptions): Session => {
  const { prepared, inputs, batches, chunkTokens, time, lean } = options;
  const shape = mainInput(inputs)?.shape ?? [];
  // Ids of one axis are the positions of a single row.
  const [fixedRows, fixedLength] = (shape.length === 1 ? [1, ...shape] : shape).map(size =>
    typeof size === 'number' ? size : undefined
  );
  // What two towers give together is of all rows of both.
  const joint = inputs.some(isContent) && inputs.some(({ role }) => role === 'ids');
  const plan: Session['plan'] = (rows, length, feeds) => {
    const whole = ([name, { dims }]: [string, Tensor]): boolean =>
      (dims[0] !== rows && dims[0] !== 1) || (joint && inputs.some(input => input.own && input.name === name));
    if (feeds && Object.entries(feeds).some(whole)) {
      return [rows];
    }
    const most = fixedRows ?? (batches ? Math.max(1, Math.floor(chunkTokens / length)) : 1);
    return Array.from({ length: Math.ceil(rows / most) }, (_, at) => Math.min(most, rows - at * most));
  };
  // ONNX Runtime holds all outputs of a graph until the run has ended, fetched or not: of a long text, all patterns and scores.
  const leanFor = (rows: number, length: number, feeds: Feeds, fetches: readonly string[]): Lean | undefined => {
    const sizes = { rows: plan(rows, length, feeds)[0], length, lengths: ownLengths(inputs) };
    const unasked = prepared.outputs.filter(name => !fetches.includes(name));
    const bytes = unasked.reduce((sum, name) => sum + (lean?.bytes(name, sizes) ?? 0), 0);
    return bytes > MOST_UNASKED ? lean : undefined;
  };
  return {
    alone: (...run) => leanFor(...run) !== undefined,
    plan,
    run: async (rows, fetches, feeds, context, shared = {}) => {
      checkSizes(rows, fixedRows, fixedLength);
      const counts = plan(rows.length, rows[0].length, feeds);
      const chunks: Record<string, Tensor>[] = [];
      const own = await leanFor(rows.length, rows[0].length, feeds, fetches)?.prepare(fetches);
      let at = 0;
      try {
        for (const [done, count] of counts.entries()) {
          await otherTasks();
          context.signal.throwIfAborted();
          context.progress({ done, total: counts.length, label: `forward ${done + 1} of ${counts.length}` });
          const given = buildFeeds(inputs, rows.slice(at, at + count), at);
          const fed = counts.length === 1 ? feeds : rowsOf(feeds ?? {}, at, count);
          const started = performance.now();
          chunks.push(await (own ?? prepared).run({ ...given, ...fed, ...rowsOf(shared, at, count) }, fetches));
          time.record(count * rows[0].length, performance.now() - started);
          at += count;
        }
      } finally {
        await own?.release();
      }
      context.progress({ done: counts.length, total: counts.length, label: 'forward done' });
      return { rows: counts, lengths: ownLengths(inputs), tensors: byFetch(chunks, fetches) };
    },
    reading: other => createSession({ ...options, inputs: other }),
    release: () => prepared.release()
  };
};

const rowsOf = (tensors: Readonly<Record<string, Tensor>>, at: number, count: number): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => {
      const { dims, data } = tensor;
      const size = data.length / dims[0];
      const part = { ...tensor, dims: [count, ...dims.slice(1)], data: data.subarray(at * size, (at + count) * size) };
      return [name, dims[0] === 1 ? tensor : part];
    })
  );

/** Lets waiting messages (a cancel) be heard: a run in WebAssembly holds the thread and ends in the same task. */
const otherTasks = (): Promise<void> => new Promise(resolve => setTimeout(resolve));

const byFetch = (chunks: readonly Readonly<Record<string, Tensor>>[], fetches: readonly string[]) =>
  Object.fromEntries(fetches.map(name => [name, chunks.map(chunk => chunk[name])]));

const checkSizes = (rows: Rows, fixedRows: number | undefined, fixedLength: number | undefined): void => {
  const uneven = rows.findIndex(row => row.length !== rows[0].length);
  if (rows.length === 0 || rows[0].length === 0 || uneven >= 0) {
    throw new Error(
      rows.length === 0 || rows[0].length === 0
        ? 'ids empty: no token to run'
        : `rows uneven: row ${uneven} has ${rows[uneven].length} ids, the first has ${rows[0].length}`
    );
  }
  if (fixedLength !== undefined && rows[0].length !== fixedLength) {
    throw new Error(`length fixed: the file takes exactly ${fixedLength} positions, there are ${rows[0].length} ids`);
  }
  if (fixedRows !== undefined && rows.length % fixedRows !== 0) {
    throw new Error(`batch fixed: the file takes exactly ${fixedRows} rows, there are ${rows.length}`);
  }
};
