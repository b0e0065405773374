import type { Tower } from '../anatomy/anatomy';
import { usesOf, type End, type Uses } from '../graph/uses';
import { elementType, elementTypeName } from '../onnx/element-type';
import type { Model, TensorType, ValueInfo } from '../onnx/model';
import type { TensorTypeName } from '../onnx/tensor';

/** What a graph input is fed with. */
export interface InputRole {
  readonly name: string;
  readonly role: 'ids' | 'mask' | 'positions' | 'types' | 'past' | 'flag';
  readonly type: TensorTypeName;
  readonly shape: readonly (number | string)[];
}

const INTEGERS: ReadonlySet<string> = new Set(['int64', 'int32']);
/** Tables of token types have two rows, rarely a few more; tables of positions more than that. */
const MOST_TYPES = 8;

/**
 * The role of each input, by what the graph does with it (names mean nothing): `ids` is the anatomy's; a float tensor of
 * rank 4 or more holds past keys or values; a bool of one element chooses the branch with a past; an integer or
 * bool tensor that comes to a softmax or a fused attention without having been an index or an angle is a mask; one that becomes a cosine
 * or looks up a table is positions, or token types where the table has at most 8 rows.
 * Throws for an input that is none of these.
 */
export const inputRoles = (model: Model, tower: Tower): readonly InputRole[] => {
  const initializers = new Map(model.graph.initializers.map(tensor => [tensor.name, tensor.dims]));
  const uses = usesOf(model.graph);
  return model.graph.inputs
    .filter(({ name }) => !initializers.has(name))
    .map(info => {
      const { type, shape } = declared(info);
      const role = info.name === tower.embedding?.ids ? 'ids' : roleOf(info.name, type, shape, uses, initializers);
      if (role === undefined) {
        throw new Error(
          `input not understood: '${info.name}' (${type} [${shape.join(', ')}]) is not ids, mask, positions, token types or past`
        );
      }
      return { name: info.name, role, type, shape };
    });
};

const declared = ({ name, type }: ValueInfo): { type: TensorTypeName; shape: readonly (number | string)[] } => {
  const found = type && elementType(type.elementType)?.tensor;
  if (type?.shape === undefined || found === undefined) {
    throw new Error(`input not understood: '${name}' is ${typeText(type)}`);
  }
  return { type: found, shape: type.shape };
};

const typeText = (type: TensorType | undefined): string =>
  type === undefined ? 'not a tensor' : `${elementTypeName(type.elementType)} of unknown rank`;

type Tables = ReadonlyMap<string, readonly number[]>;

const roleOf = (
  name: string,
  type: TensorTypeName,
  shape: readonly (number | string)[],
  uses: Uses,
  tables: Tables
): InputRole['role'] | undefined => {
  if (shape.length >= 4 && type.startsWith('float') && shape.some(size => typeof size === 'string')) {
    return 'past';
  }
  if (type === 'bool' && shape.every(size => size === 1)) {
    return 'flag';
  }
  if (shape.length === 0 || shape.length > 2) {
    return undefined;
  }
  const reached = follow(name, uses, tables);
  if (reached.softmax) {
    return 'mask';
  }
  if (!INTEGERS.has(type)) {
    return undefined;
  }
  return reached.angle || reached.rows > MOST_TYPES ? 'positions' : reached.rows > 0 ? 'types' : undefined;
};

interface Reached {
  softmax: boolean;
  angle: boolean;
  /** Of the largest table that is looked up: 0 when none is, infinite for one that is computed. */
  rows: number;
}

const SOFTMAX: ReadonlySet<string> = new Set([
  'Softmax',
  'Attention',
  'MultiHeadAttention',
  'GroupQueryAttention',
  'DecoderMaskedMultiHeadAttention'
]);
const ANGLE: ReadonlySet<string> = new Set(['Cos', 'Sin', 'RotaryEmbedding']);
const SIZES: ReadonlySet<string> = new Set(['Shape', 'Size']);

/** Walks from an input to all that depends on its values, not through look-ups, angles and sizes. */
const follow = (input: string, uses: Uses, tables: Tables): Reached => {
  const reached: Reached = { softmax: false, angle: false, rows: 0 };
  const seen = new Set([input]);
  const queue = [input];
  for (let tensor = queue.pop(); tensor !== undefined; tensor = queue.pop()) {
    for (const end of uses.consumers(tensor)) {
      if (!visit(end, reached, tables)) {
        continue;
      }
      for (const output of end.node.outputs.filter(candidate => candidate !== '' && !seen.has(candidate))) {
        seen.add(output);
        queue.push(output);
      }
    }
  }
  return reached;
};

/** Notes what the node says of the input; false where the walk ends. */
const visit = ({ node, slot }: End, reached: Reached, tables: Tables): boolean => {
  if (SOFTMAX.has(node.opType)) {
    reached.softmax = true;
    return false;
  }
  if (ANGLE.has(node.opType)) {
    reached.angle = true;
    return false;
  }
  const looksUp = node.opType.startsWith('Gather') && slot === 1;
  if (looksUp) {
    reached.rows = Math.max(reached.rows, tables.get(node.inputs[0])?.[0] ?? Infinity);
  }
  return !looksUp && !SIZES.has(node.opType);
};
