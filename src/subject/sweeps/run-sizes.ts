import type { Dim } from '../../anatomy/shapes/dims';
import type { Tensor } from '../../onnx/tensor';
import type { GraphFlow } from '../../surgery/graph-flow';
import type { SizeInput } from '../../surgery/cut-piece';
import { buildFeeds, type Feedable } from '../inputs/feeds';

/** What the names of sizes stand for in one run. */
export type RunSizes = ReadonlyMap<string, number>;

/** Of a run of `rows` × `length` tokens: the run's own names, and those of the model's inputs. */
export const runSizes = (flow: GraphFlow, inputs: readonly Feedable[], rows: number, length: number): RunSizes => {
  const sizes = new Map([
    ['batch', rows],
    ['pos', length]
  ]);
  const ids = Array.from({ length: rows }, () => Array<number>(length).fill(0));
  for (const [name, { dims }] of Object.entries(buildFeeds(inputs, ids))) {
    flow.inputShape(name)?.forEach((dim, axis) => typeof dim === 'string' && sizes.set(dim, dims[axis]));
  }
  return sizes;
};

/** The tensors that sizes are fed as. */
export const sizeFeeds = (inputs: readonly SizeInput[], sizes: RunSizes): Record<string, Tensor> =>
  Object.fromEntries(
    inputs.map(({ name, values, rank }) => [
      name,
      {
        dims: rank === 0 ? [] : [values.length],
        type: 'int64' as const,
        data: BigInt64Array.from(values, value => BigInt(evaluate(value, sizes)))
      }
    ])
  );

/** '4*n0*n1' with n0 and n1 put in. */
const evaluate = (dim: Dim, sizes: RunSizes): number =>
  String(dim)
    .split('*')
    .reduce((product, part) => product * (sizes.get(part) ?? Number(part)), 1);
