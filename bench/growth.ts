import { random } from '../src/maths/random';
import { createNodeRuntime } from '../src/runtime/node';
import type { Patch } from '../src/subject/sweep';
import { timed } from './alternate';
import { atMost, type Bench } from './bench';
import { gpt2Files, type Sizes } from './gpt2';
import { openBench, QUIET } from './open-bench';
import { slope } from './slope';

/** Fitted exponents may exceed what the operations say by this. */
const ALLOWED = 0.1;
/** Wide enough, and with patches enough, that the smallest of each row runs for a tenth of a second: fixed costs flatten the slope. */
const WIDE: Sizes = { layers: 6, width: 512, heads: 8, vocabulary: 1000, context: 512 };
const LENGTH = 16;

interface Growth {
  readonly name: string;
  readonly what: string;
  readonly at: readonly number[];
  readonly sizes: (value: number) => Sizes;
  readonly length: (value: number) => number;
  /** Patches of each layer. */
  readonly patches: (value: number) => number;
}

const GROWTHS: readonly Growth[] = [
  {
    name: 'growth-tokens',
    what: 'tokens',
    at: [8, 16, 32, 64, 128, 256],
    sizes: () => WIDE,
    length: value => value,
    patches: () => 64
  },
  {
    name: 'growth-layers',
    what: 'layers',
    at: [2, 4, 8, 16, 24],
    sizes: layers => ({ ...WIDE, layers }),
    length: () => LENGTH,
    patches: () => 256
  },
  {
    name: 'growth-patches',
    what: 'patches a layer',
    at: [32, 64, 128, 256, 512],
    sizes: () => WIDE,
    length: () => LENGTH,
    patches: value => value
  }
];

/** How the time of a sweep grows, against how its operations do: the exponent of the one less that of the other. */
export const growthBenches: readonly Bench[] = GROWTHS.map(growth => ({
  name: growth.name,
  run: async () => {
    const points: { value: number; seconds: number; operations: number }[] = [];
    for (const value of growth.at) {
      points.push({ value, ...(await measure(growth, value)) });
    }
    const [time, theory] = [exponent(points, 'seconds'), exponent(points, 'operations')];
    return atMost({
      name: growth.name,
      value: time - theory,
      unit: 'exponent above theory',
      target: ALLOWED,
      detail:
        `time ∝ ${growth.what}^${time.toFixed(2)}, operations ∝ ${growth.what}^${theory.toFixed(2)}; ` +
        points.map(({ value, seconds }) => `${value}: ${seconds.toFixed(2)} s`).join(', '),
      plot: { x: growth.what, y: 'seconds', points: points.map(({ value, seconds }) => [value, seconds]) }
    });
  }
}));

const measure = async (growth: Growth, value: number): Promise<{ seconds: number; operations: number }> => {
  const sizes = growth.sizes(value);
  const length = growth.length(value);
  const subject = await openBench(gpt2Files(sizes), createNodeRuntime());
  try {
    const stream = random(4);
    const rows = (): number[][] => [Array.from({ length }, () => stream.below(sizes.vocabulary))];
    const patches = Array.from({ length: sizes.layers }, (_, layer) =>
      Array.from({ length: growth.patches(value) }, (__, at): Patch => ({
        hook: `blocks.${layer}.attn.hook_z`,
        heads: [at % sizes.heads],
        pos: [Math.floor(((at + 0.5) * length) / growth.patches(value))]
      }))
    ).flat();
    const request = {
      base: rows(),
      source: { kind: 'run' as const, ids: rows() },
      patches,
      readout: { positions: [[length - 1]], columns: [[1, 2]], value: (logits: Float32Array) => logits[0] - logits[1] }
    };
    await subject.sweep({ ...request, patches: patches.slice(0, 1) }, QUIET);
    const times = [await timed(() => subject.sweep(request, QUIET)), await timed(() => subject.sweep(request, QUIET))];
    return { seconds: Math.min(...times) / 1000, operations: subject.sweepCost(request).operations };
  } finally {
    await subject.close();
  }
};

/** In logarithms. */
const exponent = (
  points: readonly { value: number; seconds: number; operations: number }[],
  y: 'seconds' | 'operations'
): number =>
  slope(
    points.map(({ value }) => Math.log(value)),
    points.map(point => Math.log(point[y]))
  );
