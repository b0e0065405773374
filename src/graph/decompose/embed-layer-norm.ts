import { int } from '../attributes';
import { counted } from './masks';
import { layerNorm } from './norms';
import { MICROSOFT, type Call, type Outputs, type Row } from './rule';
import type { Scope } from './scope';

const INT32 = 6;

/** Rows of the tables of words, positions and segments, added up and normalised; the mask as its number of ones. */
const embed = (call: Call, scope: Scope): Outputs => {
  const ids = call.required('input_ids');
  const look = (table: string, indices: string): string => scope.op('Gather', [table, indices], [int('axis', 0)]);
  const words = look(call.required('word_embedding'), ids);
  const positions = call.input('position_ids') ?? everyPosition(scope, ids);
  const placed = scope.op('Add', [words, look(call.required('position_embedding'), positions)]);
  const segments = call.input('segment_ids');
  const table = call.input('segment_embedding');
  const sum = segments && table ? scope.op('Add', [placed, look(table, segments)]) : placed;
  const norm = layerNorm(scope, sum, call.required('gamma'), call.input('beta'), call.float('epsilon') ?? 1e-12);
  return [norm, call.wants(1) ? ones(call, scope, ids) : undefined, sum];
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
    rule: embed
  }
];
