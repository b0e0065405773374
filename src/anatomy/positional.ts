import type { Node } from '../onnx/model';
import type { Content, Tower } from './anatomy';
import { intAttribute } from './attributes';
import type { BuiltBlock } from './blocks';
import type { EmbeddingRoles } from './embedding-roles';
import type { Facts } from './facts';
import type { LookUp } from './look-up';
import { coneOf, hasBiasTable, hasSlopes, hasTableOfHeads, scoreInputs } from './mask';
import { rotationAngles } from './rotation-angles';

/** How many positions the tables of a tower have; null where none sets a limit. */
export const mostPositions = (
  facts: Facts,
  { layer }: BuiltBlock,
  { positions }: EmbeddingRoles,
  content: Content | undefined
): number | null => {
  const fixed = content?.positions === undefined ? null : content.length;
  return positionsOf(positions) ?? fixed ?? turnedPositions(facts, rotationAngles(facts, layer));
};

/** Rows before the first token's have no position. */
const positionsOf = (table: LookUp | undefined): number | undefined => table && table.rows - (table.first ?? 0);

/** Rows of the shortest table of cosines and sines; null where a rotation's angles are computed. */
const turnedPositions = (facts: Facts, angles: readonly string[]): number | null => {
  const rows = [...coneOf(facts, angles).nodes].flatMap(node => pickedRows(facts, node) ?? []);
  return rows.length > 0 ? Math.min(...rows) : null;
};

/** Of a table [rows, width], with axes of one beside them or repeated for each of a batch (GPT-J), that computed positions pick rows of. */
const pickedRows = (facts: Facts, node: Node): number | undefined => {
  const [table, picked] = node.inputs;
  const shape = PICKS.has(node.opType) ? facts.shape(table) : undefined;
  const rows = shape?.at(intAttribute(node, 'axis') ?? 0);
  const wide = shape?.filter(size => size !== 1 && typeof size === 'number').length === 2;
  const several = !facts.isConstant(picked) && facts.shape(picked)?.some(size => size !== 1);
  return wide && several && typeof rows === 'number' && rows > 1 ? rows : undefined;
};

const PICKS = new Set(['Gather', 'GatherElements']);

/** How a tower knows where its tokens are. */
export const positional = (
  facts: Facts,
  { layer }: BuiltBlock,
  { positions: table }: EmbeddingRoles,
  content: Content | undefined,
  heads: number
): Tower['positional'] => {
  if (layer.operands.q.rotated) {
    return 'rotary';
  }
  const { fixed, relative } = scoreInputs(facts, layer.anchor);
  const cone = coneOf(facts, fixed);
  if (relative || hasBiasTable(facts, cone, heads)) {
    return 'relative';
  }
  if (hasSlopes(facts, cone, heads)) {
    return 'alibi';
  }
  if (hasTableOfHeads(facts, cone, heads)) {
    return 'relative';
  }
  const added = table ?? content?.positions;
  return added === undefined ? 'none' : isSinusoidal(facts, table?.weight) ? 'sinusoidal' : 'learned';
};

const SEEN_ROWS = 4;

/** Vaswani et al. 2017: row 0 is zeros and ones, and every row has the length √(d/2). */
const isSinusoidal = (facts: Facts, weight: string | undefined): boolean => {
  const width = weight === undefined ? undefined : facts.shape(weight)?.[1];
  const numbers = typeof width === 'number' ? facts.numbers(weight!, SEEN_ROWS * width) : undefined;
  if (!numbers || typeof width !== 'number' || numbers.length < SEEN_ROWS * width) {
    return false;
  }
  const square = (row: number): number =>
    numbers.subarray(row * width, (row + 1) * width).reduce((sum, value) => sum + value * value, 0);
  return (
    numbers.subarray(0, width).every(value => value === 0 || value === 1) &&
    [1, 2, 3].every(row => Math.abs(square(row) - width / 2) < 1e-3 * width)
  );
};
