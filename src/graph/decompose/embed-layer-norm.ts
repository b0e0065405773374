import { int } from '../attributes';
import { counted } from './masks';
import { layerNorm } from './norms';
import { MICROSOFT, type Call, type Outputs, type Row } from './rule';
import type { Scope } from './scope';

const INT32 = 6;

/** Rows of a table, by indices. */
type LookUp = (indices: string) => string;

interface Tables {
  readonly words: LookUp;
  readonly positions: LookUp;
  readonly segments?: LookUp;
  readonly gamma: string;
  readonly beta?: string;
}

/** Rows of the tables of words, positions and segments, added up and normalised; the mask as its number of ones. */
const embedded = (call: Call, scope: Scope, tables: Tables): Outputs => {
  const ids = call.required('input_ids');
  const positions = call.input('position_ids') ?? everyPosition(scope, ids);
  const placed = scope.op('Add', [tables.words(ids), tables.positions(positions)]);
  const segments = call.input('segment_ids');
  const sum = segments && tables.segments ? scope.op('Add', [placed, tables.segments(segments)]) : placed;
  const norm = layerNorm(scope, sum, tables.gamma, tables.beta, call.float('epsilon') ?? 1e-12);
  return [norm, call.wants(1) ? ones(call, scope, ids) : undefined, sum];
};

const gather = (scope: Scope, table: string, indices: string): string =>
  scope.op('Gather', [table, indices], [int('axis', 0)]);

const plain = (call: Call, scope: Scope): Outputs => {
  const table = (name: string): LookUp => {
    const weights = call.required(name);
    return indices => gather(scope, weights, indices);
  };
  return embedded(call, scope, {
    words: table('word_embedding'),
    positions: table('position_embedding'),
    ...(call.input('segment_embedding') && { segments: table('segment_embedding') }),
    gamma: call.required('gamma'),
    beta: call.input('beta')
  });
};

/** (integers − zero point) · scale, after rows are picked. */
const quantised = (call: Call, scope: Scope): Outputs => {
  const numbers = (integers: string, name: string): string =>
    scope.op('DequantizeLinear', [integers, call.required(`${name}_scale`), call.required(`${name}_zero_point`)]);
  const table =
    (input: string, name: string): LookUp =>
    indices =>
      numbers(gather(scope, call.required(input), indices), name);
  return embedded(call, scope, {
    words: table('word_embedding_quant', 'word_embedding'),
    positions: table('position_embedding_quant', 'position_embedding'),
    ...(call.input('segment_embedding') && { segments: table('segment_embedding', 'segment_embedding') }),
    gamma: numbers(call.required('gamma_quant'), 'gamma'),
    beta: numbers(call.required('beta_quant'), 'beta')
  });
};

/** 0, 1, … as [1, positions]. */
const everyPosition = (scope: Scope, ids: string): string => scope.unsqueeze(counted(scope, scope.size(ids, 1)), [0]);

/** [batch] numbers of ones in the mask; zeros without one, as ONNX Runtime gives them. */
const ones = (call: Call, scope: Scope, ids: string): string => {
  const mask = call.input('mask');
  const flags = mask
    ? scope.cast(scope.op('Equal', [mask, scope.number(1, mask)]), INT32)
    : scope.cast(scope.op('Sub', [ids, ids]), INT32);
  return scope.reduce('ReduceSum', flags, [1], false);
};

export const EMBED: readonly Row[] = [
  {
    domains: [MICROSOFT],
    type: 'EmbedLayerNormalization',
    inputs: [
      'input_ids',
      'segment_ids?',
      'word_embedding',
      'position_embedding',
      'segment_embedding?',
      'gamma',
      'beta?',
      'mask?',
      'position_ids?'
    ],
    attributes: ['epsilon'],
    only: { mask_index_type: [0, 1] },
    rule: plain
  },
  {
    domains: [MICROSOFT],
    type: 'QEmbedLayerNormalization',
    inputs: [
      'input_ids',
      'segment_ids?',
      'word_embedding_quant',
      'position_embedding_quant',
      'segment_embedding?',
      'gamma_quant',
      'beta_quant',
      'mask?',
      'word_embedding_scale',
      'position_embedding_scale',
      'segment_embedding_scale?',
      'gamma_scale',
      'beta_scale',
      'word_embedding_zero_point',
      'position_embedding_zero_point',
      'segment_embedding_zero_point?',
      'gamma_zero_point',
      'beta_zero_point'
    ],
    attributes: ['epsilon'],
    rule: quantised
  }
];
