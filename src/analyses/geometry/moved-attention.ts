import { attentionJacobian } from '../../maths/attention-jacobian';
import { gaussian } from '../../maths/gaussian';
import type { LinearAlgebra } from '../../maths/linear-algebra';
import { random } from '../../maths/random';
import type { Tensor } from '../../onnx/tensor';
import type { Context } from '../../subject/context';
import type { Intervention } from '../../subject/interventions/interventions';
import type { Cache, Subject } from '../../subject/subject';
import { floats } from '../floats';
import { allBlocks, blockHook } from '../hooks';
import { quiet } from '../quiet';
import { attentionHooks, attentionInput, attentionPoint } from './attention-point';

/**
 * Of a token's own length. The first is far above single precision and the rounding of weights; where attention is so sharp that it bends over it,
 * the second is tried, 25 times nearer to the derivative.
 */
const STEPS = [1e-2, 2e-3] as const;
/** Of the change, what the Jacobian by the weights may be off by: third order of the step, and quantised weights' rounding. */
const TOLERANCE = 3e-2;

const PRE = 'hook_resid_pre';

export const movedHooks = (subject: Subject): string[] => [
  ...allBlocks(subject, PRE),
  ...subject.tower.blocks.flatMap((_, layer) => [
    attentionInput(subject, layer),
    blockHook(subject, layer, 'attn.hook_z')
  ])
];

/** Every block's stream is set, so that one run moves all layers, each on its own. A scale of 1 leaves every number as it is. */
export const movedList = (subject: Subject, values?: readonly Tensor[]): Intervention[] =>
  allBlocks(subject, PRE).map((hook, layer) =>
    values ? { hook, op: 'set', value: values[layer] } : { hook, op: 'scale', value: 1 }
  );

/**
 * Of each layer ‖Δ(Z·W_O)‖/‖ΔY‖ along one random direction, by central differences of the file's own graph; Y is what queries, keys and values read.
 * Throws where the Jacobian made of the weights does not give the same Δz.
 */
export async function moved(
  subject: Subject,
  ids: readonly number[],
  algebra: LinearAlgebra,
  context: Context
): Promise<number[]> {
  const streams = allBlocks(subject, PRE);
  const hooks = [...new Set([...streams, ...subject.tower.blocks.flatMap((_, l) => attentionHooks(subject, l))])];
  const still = await subject.forward({ ids: [ids], hooks }, quiet(context));
  let found: Found = { gains: [], layer: 0, off: Infinity };
  for (const step of STEPS) {
    found = await movedBy(step, subject, { ids, still }, algebra, context);
    if (found.off <= TOLERANCE) {
      return found.gains;
    }
  }
  throw new Error(
    `attention of layer ${found.layer} not understood: along a random direction its Jacobian by the weights is off by ${(found.off * 100).toPrecision(3)} % from finite differences, at most ${TOLERANCE * 100} % are allowed`
  );
}

interface Found {
  readonly gains: number[];
  /** Where the Jacobian is off by most, and by how much of the change. */
  readonly layer: number;
  readonly off: number;
}

interface Still {
  readonly ids: readonly number[];
  readonly still: Cache;
}

async function movedBy(
  step: number,
  subject: Subject,
  { ids, still }: Still,
  algebra: LinearAlgebra,
  context: Context
): Promise<Found> {
  const streams = allBlocks(subject, PRE);
  const draw = gaussian(random(ids.length));
  const starts = streams.map(hook => still.get(hook));
  const steps = starts.map((start, layer) => stepOf(floats(start, streams[layer]), ids.length, step, draw));
  const run = (sign: number): Promise<Cache> => {
    const values = starts.map((start, layer): Tensor => {
      const data = floats(start, streams[layer]).map((value, at) => value + sign * steps[layer][at]);
      return { ...start, type: 'float32', data };
    });
    const request = { ids: [ids], hooks: movedHooks(subject), interventions: { list: movedList(subject, values) } };
    return subject.forward(request, quiet(context));
  };
  const [ahead, behind] = [await run(1), await run(-1)];
  const layers = streams.map((_, layer) => {
    const change = (hook: string): Float64Array => half(floats(ahead.get(hook), hook), floats(behind.get(hook), hook));
    const point = attentionPoint(subject, layer, ids.length, still);
    const [read, z] = [change(attentionInput(subject, layer)), change(blockHook(subject, layer, 'attn.hook_z'))];
    const expected = attentionJacobian(point, algebra).z(read);
    const whole = length(z);
    const off =
      whole > 0 ? length(z.map((value, at) => value - expected[at])) / Math.max(whole, 1e-12 * length(read)) : 0;
    const written = algebra.multiply({ rows: ids.length, columns: point.writes.rows, data: z }, point.writes).data;
    return { off, gain: length(written) / length(read) };
  });
  const off = Math.max(...layers.map(one => one.off));
  return { gains: layers.map(({ gain }) => gain), layer: layers.findIndex(one => !(one.off < off)), off };
}

/** Each token's row a random direction of a fixed share of the token's length. */
function stepOf(values: Float32Array, tokens: number, step: number, draw: () => number): Float32Array {
  const width = values.length / tokens;
  const steps = new Float32Array(values.length);
  for (let token = 0; token < tokens; token++) {
    const own = Float64Array.from({ length: width }, draw);
    const by = (step * length(Float64Array.from(values.subarray(token * width, (token + 1) * width)))) / length(own);
    steps.set(
      own.map(value => value * by),
      token * width
    );
  }
  return steps;
}

const half = (a: Float32Array, b: Float32Array): Float64Array =>
  Float64Array.from(a, (value, at) => (value - b[at]) / 2);

const length = (values: Float64Array): number => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
