import { numbersOf, type Numbers } from '../../onnx/numbers';
import type { Projection } from '../anatomy';
import { dot, squaredDistance } from './deviation';
import { asRead, bothReadings, product, type CheckContext, type Outcome } from './identity';
import { project, type Matrix, type ReadMatrix } from './layer-maths';
import { boundOn, roundOn } from './rounding';
import { norms } from './norm-identities';
import { everyRow, fewRows } from './sample';

export const finalNorm = (context: CheckContext): Outcome => {
  const norm = context.tower.finalNorm;
  return norm && norms(context, '', [norm]);
};

/** Final norm and unembedding alone, run on the last residual, give the logits. */
export const headReproducesLogits = ({ tower: { head, layers }, hook, output, read }: CheckContext): Outcome => {
  const [file, alone] = head ? [output(head.logits, 'bare'), output(head.logits, 'suffix')] : [];
  if (!head || !file || !alone) {
    return undefined;
  }
  // The file's own nodes compute it: what they read counts for the rounding, and for the hooks that are judged by it.
  [head.hook, `blocks.${layers - 1}.hook_resid_post`, 'unembed.hook_out'].forEach(hook);
  [head.unembed.weight, head.norm?.weight].forEach(weight => weight !== undefined && read(weight, [0, 1]));
  return { file: numbersOf(file), computed: numbersOf(alone) };
};

/** head.hook_out = head.hook_in · W + b. */
export const outputLayer = (context: CheckContext): Outcome => {
  const { tower, hook } = context;
  const [read, made] = [hook('head.hook_in'), hook('head.hook_out')];
  if (!tower.outputLayer || !read || !made) {
    return undefined;
  }
  const [from, to] = [read, made].map(({ dims }) => dims.at(-1)!);
  const { layer: projection } = tower.outputLayer;
  const route = context.route('head.hook_in', 'head.hook_out', 'product');
  return product(context, { file: numbersOf(made), x: numbersOf(read), from, to, projection, route });
};

/** Columns of the unembedding that are multiplied in the quick certificate: a wrong matrix is wrong in any. */
const COLUMNS = 256;
/** Rows of a weight stored [in, out] that are converted at once. */
const SLICE = 64;

/** logits = hook_in · W_U + b, scaled or soft-capped where the file does so. */
export const unembedding = (context: CheckContext): Outcome => {
  const { tower, hook, read, whole } = context;
  const rows = whole ? everyRow : fewRows;
  const [input, logits] = [hook('unembed.hook_in'), hook('unembed.hook_out')];
  const { head, dVocab } = tower;
  if (!input || !logits || !head || dVocab === null || logits.dims.length !== input.dims.length) {
    return undefined;
  }
  const count = Math.min(dVocab, COLUMNS);
  // A dense layer before the unembedding may have narrowed the stream.
  const width = input.dims.at(-1)!;
  const some = someColumns(head.unembed, read, width, count);
  const route = context.route('unembed.hook_in', 'unembed.hook_out', 'product');
  if (typeof route === 'string') {
    return route;
  }
  const asMultiplied = (read: Numbers): Numbers => roundOn(rows(read, width), route?.before);
  const both = bothReadings(context, numbersOf(input), head.unembed, width, read =>
    some ? project(asMultiplied(read), some.projection, some.read) : 'its weight is not stored as plain numbers'
  );
  if (typeof both === 'string') {
    return both;
  }
  const { computed: y, slack: within } = both;
  const file = rows(firstOfRows(numbersOf(logits), dVocab, count), count);
  if (route && some && y.length === file.length) {
    const x = asMultiplied(asRead(context, numbersOf(input), head.unembed, width));
    const bare = project(x, { ...some.projection, bias: undefined }, some.read) as Float64Array;
    const { y: computed, slack } = boundOn(bare, route.after, { add: (_, at) => y[at] - bare[at] });
    return { file, computed, slack };
  }
  return y.length === file.length
    ? { file, computed: bent(file, y), ...(within !== undefined && { slack: within }) }
    : `its product has ${y.length} elements, the logits ${file.length}`;
};

/** The first `count` numbers of each row. */
const firstOfRows = (x: Numbers, width: number, count: number): Float64Array => {
  const out = new Float64Array((x.length / width) * count);
  for (let row = 0; row < x.length / width; row++) {
    out.set(x.subarray(row * width, row * width + count), row * count);
  }
  return out;
};

/** The first columns of a plain matrix, as one of its own; bias with them. */
const someColumns = (
  { weight, bias, transposed, columns, perHead, layout }: Projection,
  read: ReadMatrix,
  width: number,
  count: number
): { projection: Projection; read: ReadMatrix } | undefined => {
  const parts = new Map<string, Matrix | undefined>();
  if (weight === undefined || columns || perHead || layout) {
    return undefined;
  }
  parts.set(weight, transposed ? read(weight, [0, count]) : firstColumns(weight, read, width, count));
  const full = bias === undefined ? undefined : read(bias);
  if (bias !== undefined) {
    parts.set(bias, full && { dims: [count], data: full.data.subarray(0, count) });
  }
  const projection = {
    node: '',
    input: '',
    output: '',
    weight,
    ...(bias !== undefined && { bias }),
    ...(transposed && { transposed })
  };
  return parts.get(weight) ? { projection, read: name => parts.get(name) } : undefined;
};

const firstColumns = (weight: string, read: ReadMatrix, rows: number, count: number): Matrix | undefined => {
  let data: Numbers | undefined;
  for (let start = 0; start < rows; start += SLICE) {
    const end = Math.min(rows, start + SLICE);
    const part = read(weight, [start, end]);
    const width = part?.dims[1] ?? 0;
    if (!part || width < count) {
      return undefined;
    }
    data ??= part.data instanceof Float32Array ? new Float32Array(rows * count) : new Float64Array(rows * count);
    for (let row = start; row < end; row++) {
      const from = (row - start) * width;
      data.set(part.data.subarray(from, from + count), row * count);
    }
  }
  return data && { dims: [rows, count], data };
};

/**
 * Some models multiply the logits by a factor, some bend them to c · tanh(y / c). One number is fitted to hundreds of elements;
 * whichever of the two leaves less is taken.
 */
const bent = (file: Numbers, y: Float64Array): Float64Array => {
  const fitted = dot(file, y) / dot(y, y);
  const scaled = Math.abs(fitted - 1) < 1e-3 ? y : y.map(value => fitted * value);
  const cap = softcap(file, y);
  const capped = cap === undefined ? scaled : y.map(value => cap * Math.tanh(value / cap));
  return squaredDistance(file, capped) < squaredDistance(file, scaled) ? capped : scaled;
};

const MOST_CAP = 1e4;

/** The c for which c · tanh(y / c) is the file's value where y is largest; it grows with c. */
const softcap = (file: Numbers, y: Float64Array): number | undefined => {
  const at = y.reduce((best, value, i) => (Math.abs(value) > Math.abs(y[best]) ? i : best), 0);
  const [wanted, product] = [Math.abs(file[at]), Math.abs(y[at])];
  if (!(wanted < product)) {
    return undefined;
  }
  let [low, high] = [wanted, MOST_CAP];
  for (let step = 0; step < 80; step++) {
    const c = (low + high) / 2;
    [low, high] = c * Math.tanh(product / c) < wanted ? [c, high] : [low, c];
  }
  return high;
};
