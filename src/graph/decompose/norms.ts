import type { Attribute } from '../../onnx/model';
import { float, int } from '../attributes';
import { FLOAT } from './form';
import { MICROSOFT, type Call, type Outputs, type Refusal, type Row } from './rule';
import type { Scope } from './scope';

interface Normed {
  readonly norm: string;
  /** 1 / √(mean x² + ε). */
  readonly inverse: () => string;
}

/** x / √(mean x² + ε) over the last axes, computed in float32 (Zhang & Sennrich 2019); the weight comes after the cast to its type. */
const rms = (scope: Scope, x: string, gamma: string, axes: readonly number[], epsilon: number): Normed => {
  const type = scope.form(gamma).type ?? FLOAT;
  const wide = scope.type(x) === 'float16' ? scope.cast(x, FLOAT) : x;
  const mean = scope.reduce('ReduceMean', scope.op('Mul', [wide, wide]), axes, true);
  const root = scope.op('Sqrt', [scope.op('Add', [mean, scope.number(epsilon, wide)])]);
  return {
    norm: scope.op('Mul', [scope.cast(scope.op('Div', [wide, root]), type), gamma]),
    inverse: () => scope.op('Reciprocal', [root])
  };
};

const layerNormInputs = (x: string, gamma: string, beta: string | undefined): readonly string[] => [
  x,
  gamma,
  ...(beta ? [beta] : [])
];

const normAttributes = (epsilon: number): readonly Attribute[] => [int('axis', -1), float('epsilon', epsilon)];

export const layerNorm = (scope: Scope, x: string, gamma: string, beta: string | undefined, epsilon: number): string =>
  scope.op('LayerNormalization', layerNormInputs(x, gamma, beta), normAttributes(epsilon));

/** No tensor of a transformer has more. */
const MOST_AXES = 8;

const AXIS = "its attribute 'axis' is …, and the number of axes of '…' is not known";

const simplified = (call: Call, scope: Scope): Outputs | Refusal => {
  const x = call.required('X');
  const axis = call.int('axis') ?? -1;
  const rank = scope.rank(x);
  if (axis < -MOST_AXES || (axis >= 0 && rank === undefined)) {
    return call.refuse(AXIS, axis, x);
  }
  const first = axis >= 0 ? axis - rank! : axis;
  const axes = Array.from({ length: Math.max(0, -first) }, (_, i) => first + i);
  const { norm, inverse } = rms(scope, x, call.required('scale'), axes, call.float('epsilon') ?? 1e-5);
  return [norm, call.wants(1) ? inverse() : undefined];
};

const LINEAR = new Set(['MatMul', 'Gemm', 'FusedMatMul', 'MatMulNBits', 'MatMulBnb4']);

/** The bias is the layer's whose output is added: the operand that a product makes, else the first. */
const skipSum = (call: Call, scope: Scope): string => {
  const [input, skip, bias] = [call.required('input'), call.required('skip'), call.input('bias')];
  if (bias === undefined) {
    return scope.op('Add', [input, skip]);
  }
  const second = LINEAR.has(scope.madeBy(skip) ?? '') && !LINEAR.has(scope.madeBy(input) ?? '');
  const [layer, stream] = second ? [skip, input] : [input, skip];
  return scope.op('Add', [scope.op('Add', [layer, bias]), stream]);
};

/** Outputs: the norm, the mean, 1 / the deviation, the sum. */
const skipLayer = (call: Call, scope: Scope): Outputs => {
  const sum = skipSum(call, scope);
  const inputs = layerNormInputs(sum, call.required('gamma'), call.input('beta'));
  const count = call.wants(1) || call.wants(2) ? 3 : 1;
  const made = scope.ops('LayerNormalization', inputs, count, normAttributes(call.float('epsilon') ?? 1e-12));
  return [made[0], made[1], made[2], sum];
};

/** The same without a mean. */
const skipSimplified = (call: Call, scope: Scope): Outputs => {
  const sum = skipSum(call, scope);
  const { norm, inverse } = rms(scope, sum, call.required('gamma'), [-1], call.float('epsilon') ?? 1e-12);
  return [norm, undefined, call.wants(2) ? inverse() : undefined, sum];
};

export const NORMS: readonly Row[] = [
  {
    domains: [MICROSOFT],
    type: 'SkipLayerNormalization',
    inputs: ['input', 'skip', 'gamma', 'beta?', 'bias?'],
    attributes: ['epsilon'],
    rule: skipLayer
  },
  {
    domains: [MICROSOFT],
    type: 'SkipSimplifiedLayerNormalization',
    inputs: ['input', 'skip', 'gamma', 'bias?'],
    attributes: ['epsilon'],
    rule: skipSimplified
  },
  {
    domains: ['', MICROSOFT],
    type: 'SimplifiedLayerNormalization',
    inputs: ['X', 'scale'],
    attributes: ['axis', 'epsilon'],
    only: { stash_type: [1] },
    limits: [AXIS],
    rule: simplified
  },
  {
    domains: [''],
    type: 'RMSNormalization',
    inputs: ['X', 'scale'],
    attributes: ['axis', 'epsilon'],
    only: { stash_type: [1] },
    limits: [AXIS],
    rule: simplified
  }
];
