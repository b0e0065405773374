import { MICROSOFT, type Call, type Outputs, type Refusal, type Row } from './rule';
import type { Scope } from './scope';

/** ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))) (Hendrycks & Gimpel 2016). */
const geluTanh = (scope: Scope, x: string): string => {
  const cube = scope.op('Pow', [x, scope.number(3, x)]);
  const inner = scope.op('Add', [x, scope.op('Mul', [cube, scope.number(0.044715, x)])]);
  const curve = scope.op('Tanh', [scope.op('Mul', [inner, scope.number(Math.sqrt(2 / Math.PI), x)])]);
  return half(scope, x, curve);
};

/** ½ x (1 + erf(x / √2)). */
const geluErf = (scope: Scope, x: string): string =>
  half(scope, x, scope.op('Erf', [scope.op('Div', [x, scope.number(Math.SQRT2, x)])]));

const half = (scope: Scope, x: string, curve: string): string =>
  scope.op('Mul', [scope.op('Mul', [x, scope.number(0.5, x)]), scope.op('Add', [curve, scope.number(1, x)])]);

/** x · sigmoid(α x). */
const gated = (scope: Scope, x: string, alpha: number): string => {
  const scaled = alpha === 1 ? x : scope.op('Mul', [x, scope.number(alpha, x)]);
  return scope.op('Mul', [x, scope.op('Sigmoid', [scaled])]);
};

const biased = (call: Call, scope: Scope, names = ['X', 'bias']): string => {
  const [x, bias] = [call.required(names[0]), call.input(names[1])];
  return bias ? scope.op('Add', [x, bias]) : x;
};

const OTHER_GELU = "its attribute 'approximate' is '…', neither 'none' nor 'tanh'";

const gelu = (call: Call, scope: Scope): Outputs | Refusal => {
  const approximate = call.text('approximate') ?? 'none';
  const form = approximate === 'none' ? geluErf : approximate === 'tanh' ? geluTanh : undefined;
  return form ? [form(scope, call.required('X'))] : call.refuse(OTHER_GELU, approximate);
};

const ms = (type: string, inputs: readonly string[], attributes: readonly string[], rule: Row['rule']): Row => ({
  domains: [MICROSOFT],
  type,
  inputs,
  attributes,
  rule
});

export const ACTIVATIONS: readonly Row[] = [
  ms('FastGelu', ['X', 'bias?'], [], (call, scope) => [geluTanh(scope, biased(call, scope))]),
  ms('BiasGelu', ['A', 'B'], [], (call, scope) => [geluErf(scope, biased(call, scope, ['A', 'B']))]),
  ms('Gelu', ['X'], [], (call, scope) => [geluErf(scope, call.required('X'))]),
  ms('QuickGelu', ['X'], ['alpha'], (call, scope) => [gated(scope, call.required('X'), call.float('alpha') ?? 1.702)]),
  { domains: [''], type: 'Gelu', inputs: ['X'], attributes: ['approximate'], limits: [OTHER_GELU], rule: gelu },
  {
    domains: [''],
    type: 'Swish',
    inputs: ['X'],
    attributes: ['alpha'],
    rule: (call, scope) => [gated(scope, call.required('X'), call.float('alpha') ?? 1)]
  }
];
