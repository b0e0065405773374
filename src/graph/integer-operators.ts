import type { Node } from '../onnx/model';

/** What turns integers into numbers, (q − zero point) · scale: names of both, zero being '' where there is none. */
export interface Grid {
  readonly scale: string;
  readonly zero: string;
}

export interface IntegerOperand extends Grid {
  readonly tensor: string;
}

/** An operator on integers beside scales, and the one on numbers that it stands for. */
export interface IntegerOperator {
  readonly plain: string;
  /** Inputs in the plain operator's order: integers, or a tensor that is what it is. */
  readonly operands: readonly (IntegerOperand | string)[];
  /** 32-bit integers, in steps of the product of both operands' scales. */
  readonly bias?: string;
  /** Absent where it gives numbers. */
  readonly result?: Grid;
}

interface Row {
  readonly plain: string;
  /** Places of operands, each followed by those of its scale and zero point. */
  readonly operands: readonly number[];
  /** Place of the result's scale, the zero point being behind it. */
  readonly result: number;
  readonly bias?: number;
  /** Place of an input that is no integer. */
  readonly kept?: number;
}

const binary = (plain: string): Row => ({ plain, operands: [0, 3], result: 6 });
const unary = (plain: string): Row => ({ plain, operands: [0], result: 3 });

/** Of ai.onnx and com.microsoft alike. */
const ROWS: ReadonlyMap<string, Row> = new Map<string, Row>([
  ['QLinearMatMul', binary('MatMul')],
  ['QLinearConv', { ...binary('Conv'), bias: 8 }],
  ['QGemm', { plain: 'Gemm', operands: [0, 3], bias: 6, result: 7 }],
  ['QLinearAdd', binary('Add')],
  ['QLinearMul', binary('Mul')],
  ['QLinearSigmoid', unary('Sigmoid')],
  ['QLinearLeakyRelu', unary('LeakyRelu')],
  ['QLinearSoftmax', unary('Softmax')],
  ['QLinearWhere', { plain: 'Where', kept: 0, operands: [1, 4], result: 7 }]
]);

/** Undefined for any other operator. */
export const integerOperator = (node: Node): IntegerOperator | undefined => {
  const row = node.opType === 'QLinearConcat' ? concatRow(node) : ROWS.get(node.opType);
  if (!row) {
    return undefined;
  }
  const { inputs } = node;
  const grid = (at: number): Grid => ({ scale: inputs[at], zero: inputs[at + 1] ?? '' });
  const bias = row.bias === undefined ? undefined : inputs[row.bias];
  return {
    plain: row.plain,
    operands: [
      ...(row.kept === undefined ? [] : [inputs[row.kept]]),
      ...row.operands.map(at => ({ tensor: inputs[at], ...grid(at + 1) }))
    ],
    ...(bias && { bias }),
    ...(inputs[row.result] && { result: grid(row.result) })
  };
};

const concatRow = ({ inputs }: Node): Row => ({
  plain: 'Concat',
  operands: inputs.flatMap((_, at) => (at >= 2 && (at - 2) % 3 === 0 ? [at] : [])),
  result: 0
});

export const sameGrid = (a: Grid, b: Grid): boolean => a.scale === b.scale && a.zero === b.zero;

/** Of QuantizeLinear and DequantizeLinear. */
export const gridOf = ({ inputs: [, scale, zero = ''] }: Node): Grid => ({ scale, zero });
