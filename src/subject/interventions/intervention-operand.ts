import type { Random } from '../../maths/random';
import type { Tensor } from '../../onnx/tensor';
import { hookSizes, type RequestSizes } from '../cost';
import type { ServedHook } from '../hook-names';
import { selectedCount, type AxisSelection } from './intervention-selection';
import type { Intervention, Interventions } from './interventions';
import { nearest } from '../near-names';
import { meanAxis, takeAxis } from '../tensor-axes';

interface OperandRequest {
  readonly hook: ServedHook;
  readonly intervention: Intervention;
  readonly selection: readonly AxisSelection[];
  readonly runs: NonNullable<Interventions['runs']>;
  readonly sizes: RequestSizes;
  readonly stream: Random;
  /** The intervention's place, for errors. */
  readonly at: string;
}

/** What an intervention sets, adds, … : a tensor of the hook's rank whose sizes are those of the selection, or 1. */
export const operandOf = (request: OperandRequest): Tensor => {
  const { intervention, at, hook } = request;
  const { op, value } = intervention;
  const tensor = intervention.from === undefined ? given(value ?? 0, request) : fromRun(intervention.from, request);
  const wrong = (tensor.data as Float32Array).findIndex(number => Number.isNaN(number));
  if (wrong >= 0) {
    throw new Error(`value wrong: ${at} would put NaN at '${hook.name}'`);
  }
  return op === 'project_out' ? unitVectors(tensor, request) : tensor;
};

/** Aligned at the last axes, as NumPy does. */
const given = (value: number | Tensor, { hook, selection, at }: OperandRequest): Tensor => {
  const tensor: Tensor =
    typeof value === 'number' ? { dims: [], type: 'float32', data: Float32Array.of(value) } : value;
  const missing = hook.dims.length - tensor.dims.length;
  const dims = [...Array<number>(Math.max(0, missing)).fill(1), ...tensor.dims];
  const wanted = selection.map(selectedCount);
  if (missing < 0 || dims.some((size, axis) => size !== 1 && size !== wanted[axis])) {
    throw new Error(
      `value of wrong shape: ${at}.value is [${tensor.dims.join(', ')}], '${hook.name}' selected is [${wanted.join(', ')}] (${hook.dims.join(', ')})`
    );
  }
  return { ...tensor, dims };
};

/** The run's value at the hook, where it is selected. */
const fromRun = (name: string, request: OperandRequest): Tensor => {
  const { hook, intervention, selection, runs, sizes, stream, at } = request;
  const names = Object.keys(runs);
  if (!names.includes(name)) {
    throw new Error(`run unknown: '${name}' of ${at}.from is not among the runs${nearest(name, names)}`);
  }
  let tensor = runs[name].get(hook.name);
  if (tensor.dims.length !== hook.dims.length || tensor.dims.includes(0)) {
    throw new Error(
      `run of wrong size: '${hook.name}' is [${tensor.dims.join(', ')}] in the run '${name}' of ${at}.from, wanted [${hook.dims.join(', ')}]`
    );
  }
  const [rows] = tensor.dims;
  const { op, over = 'rows' } = intervention;
  if (op === 'mean') {
    tensor = averaged(tensor, hook, over, at);
  } else if (op === 'resample') {
    const drawn = Array.from({ length: sizes.rows }, () => stream.below(rows));
    tensor = takeAxis(tensor, 0, drawn);
  }
  checkSizes(tensor, hook, sizes, `run '${name}' of ${at}.from`);
  return selection.reduce(
    (part, { chosen }, axis) => (chosen && part.dims[axis] !== 1 ? takeAxis(part, axis, chosen) : part),
    tensor
  );
};

const averaged = (tensor: Tensor, hook: ServedHook, over: 'rows' | 'all', at: string): Tensor => {
  const mean = meanAxis(tensor, 0);
  if (over === 'rows') {
    return mean;
  }
  const axis = hook.dims.indexOf('pos');
  if (axis < 0) {
    throw new Error(`field wrong: ${at}.over is 'all', but '${hook.name}' has no axis of positions to average over`);
  }
  return meanAxis(mean, axis);
};

/** One row serves all. */
const checkSizes = ({ dims }: Tensor, hook: ServedHook, sizes: RequestSizes, whose: string): void => {
  const wanted = hookSizes(hook, sizes);
  if (dims.length !== wanted.length || dims.some((size, axis) => size !== 1 && size !== wanted[axis])) {
    throw new Error(
      `run of wrong size: '${hook.name}' is [${dims.join(', ')}] in the ${whose}, [${wanted.join(', ')}] in this one`
    );
  }
};

/** Each vector of the last axis divided by its length. */
const unitVectors = (tensor: Tensor, { selection, hook, at }: OperandRequest): Tensor => {
  const width = selection[selection.length - 1].size;
  if (tensor.dims.at(-1) !== width) {
    throw new Error(`direction wrong: ${at}.value should have the ${width} numbers of the last axis of '${hook.name}'`);
  }
  const data = Float32Array.from(tensor.data as Float32Array);
  for (let from = 0; from < data.length; from += width) {
    const vector = data.subarray(from, from + width);
    const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
    if (!(length > 0)) {
      throw new Error(`direction zero: ${at}.value has no direction to project out`);
    }
    vector.forEach((x, index) => (vector[index] = x / length));
  }
  return { ...tensor, data };
};
