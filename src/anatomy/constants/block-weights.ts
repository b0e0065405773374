import type { Model, Node } from '../../onnx/model';
import { int } from '../../graph/attributes';
import { makeNode } from '../../graph/build';
import { intAttribute } from '../attributes';
import { constantRows } from './constant-rows';
import { computeConstant, constantValues, type ConstantSources, type ConstantValues } from './constant-values';
import { fourBitWeight, isFourBitLayer } from './four-bit-weight';
import { integerWeights } from './integer-weights';
import { storedBytes } from './stored-bytes';

/** A weight that is stored in blocks of a few bits, as MatMulNBits has it: [out, in]. */
export interface BlockWeight {
  readonly dims: readonly [number, number];
  readonly data: Float32Array;
}

/** The node multiplies by a weight in blocks that stands as it was filed: no order of bytes of one device's own. */
export const isBlockLayer = (node: Node): boolean =>
  isFourBitLayer(node) || (node.opType === 'MatMulNBits' && !intAttribute(node, 'weight_prepacked'));

/** From this accuracy level on kernels may round what comes in to eight bits; ONNX Runtime's do so where the processor has them. */
const ROUNDED_ACTIVATIONS = 4;

/** Of how many columns the blocks are in which the node may round what it reads; undefined where it may not. */
export const roundedBlock = (node: Node): number | undefined =>
  node.opType === 'MatMulNBits' && (intAttribute(node, 'accuracy_level') ?? 0) >= ROUNDED_ACTIVATIONS
    ? intAttribute(node, 'block_size')
    : undefined;

/** The node picks rows of a table of blocks along the last axis. */
export const isBlockTable = (node: Node): boolean =>
  node.opType === 'GatherBlockQuantized' &&
  (intAttribute(node, 'gather_axis') ?? 0) === 0 &&
  [1, -1].includes(intAttribute(node, 'quantize_axis') ?? 1);

/** Where the parts of a weight in blocks are, and its size. */
interface Blocks {
  readonly packed: string;
  readonly scales: string;
  readonly zeros?: string;
  /** Which of a row's scales each column takes; absent where they follow the blocks. */
  readonly groups?: string;
  readonly rows: number;
  readonly columns: number;
  readonly size: number;
  readonly bits: number;
  /** Bytes from one row to the next. */
  readonly stride: number;
}

type Rows = readonly [number, number];

/**
 * Readers of weights that are not stored as they multiply, by initialiser: (q − zero point) · scale, for blocks row by row and
 * block by block (ONNX Runtime's contrib operators).
 */
export const blockWeights = (
  model: Model,
  sources: ConstantSources
): ReadonlyMap<string, (rows?: Rows) => ConstantValues | undefined> =>
  new Map([
    ...integerWeights(model, sources),
    ...model.graph.nodes.flatMap(node => {
      if (isBlockTable(node) && HALF_BYTES.has(sources.tensors.get(node.inputs[0])?.dataType ?? 0)) {
        return [[node.inputs[0], (rows?: Rows) => halfByteTable(node, sources, rows)] as const];
      }
      if (isFourBitLayer(node)) {
        return [[node.inputs[1], (rows?: Rows) => fourBitWeight(node, sources, rows)] as const];
      }
      const blocks = isBlockLayer(node)
        ? layerBlocks(node)
        : isBlockTable(node)
          ? tableBlocks(node, sources)
          : undefined;
      return blocks ? [[blocks.packed, (rows?: Rows) => dequantised(blocks, sources, rows)] as const] : [];
    })
  ]);

const layerBlocks = (node: Node): Blocks => {
  const [, packed, scales, zeros, groups] = node.inputs;
  const [columns, rows, size] = ['K', 'N', 'block_size'].map(name => intAttribute(node, name) ?? 0);
  const bits = intAttribute(node, 'bits') ?? 4;
  const stride = (Math.ceil(columns / size) * size * bits) / 8;
  return { packed, scales, zeros, groups, rows, columns, size, bits, stride };
};

const tableBlocks = (node: Node, { tensors }: ConstantSources): Blocks | undefined => {
  const [packed, , scales, zeros] = node.inputs;
  const proto = tensors.get(packed);
  const bits = intAttribute(node, 'bits') ?? 4;
  return proto?.dataType === UINT8 && proto.dims.length === 2
    ? {
        packed,
        scales,
        zeros,
        rows: proto.dims[0],
        columns: (proto.dims[1] * 8) / bits,
        size: intAttribute(node, 'block_size') ?? 128,
        bits,
        stride: proto.dims[1]
      }
    : undefined;
};

/** A table in ONNX's own types of half a byte: DequantizeLinear in blocks, zero where there are no zero points. */
const halfByteTable = (node: Node, sources: ConstantSources, rows?: Rows): ConstantValues | undefined => {
  const [packed, , ...scales] = node.inputs;
  const parts = [packed, ...scales].map(name =>
    rows ? constantRows(sources, name, rows) : constantValues(sources, name)
  );
  const size = int('block_size', intAttribute(node, 'block_size') ?? 128);
  const linear = makeNode('DequantizeLinear', [], [], [int('axis', -1), size]);
  return parts.every(part => part !== undefined) ? computeConstant(linear, parts) : undefined;
};

const dequantised = (
  { packed: name, scales, zeros, groups: order, rows, columns, size, bits, stride }: Blocks,
  sources: ConstantSources,
  some?: Rows
): BlockWeight | undefined => {
  const [packed, factors] = [storedBytes(sources, name), constantValues(sources, scales)?.data];
  if (![2, 4, 8].includes(bits) || size < 1 || rows * columns > 2 ** 28) {
    return undefined;
  }
  const blocks = Math.ceil(columns / size);
  const blob = (size * bits) / 8;
  const zero = zeroPoints(sources, zeros, rows, blocks, bits);
  if (packed?.length !== rows * stride || factors?.length !== rows * blocks || !zero) {
    return undefined;
  }
  const groups = order ? constantValues(sources, order)?.data : undefined;
  // Against its specification ONNX Runtime 1.30 leaves packed zero points beside groups out, and takes two bits for four.
  const plainZeros = !zeros || sources.tensors.get(zeros)?.dataType !== UINT8;
  const fits = groups?.length === columns && groups.every(group => group >= 0 && group < blocks);
  if (order && !(fits && plainZeros && bits === 4)) {
    return undefined;
  }
  const [from, to] = some ?? [0, rows];
  const data = new Float32Array((to - from) * columns);
  const each = 8 / bits;
  const mask = 2 ** bits - 1;
  for (let block = from * blocks; block < to * blocks; block++) {
    const place = block % blocks;
    const [line, first] = [Math.floor(block / blocks), place * size];
    const [start, end] = [(line - from) * columns + first, Math.min(size, columns - first)];
    const [offset, factor, row] = [zero(block), factors[block], block - place];
    for (let i = 0, byte = line * stride + place * blob; i < end; byte++) {
      for (let part = 0, rest = packed[byte]; part < each && i < end; part++, i++, rest >>= bits) {
        const own = groups ? row + groups[first + i] : block;
        data[start + i] = ((rest & mask) - (groups ? zero(own) : offset)) * (groups ? factors[own] : factor);
      }
    }
  }
  return { dims: [to - from, columns], data };
};

/** Number `i` of a run of `bits` wide ones that begins at a byte, lowest bits first. */
const field = (bytes: Uint8Array, start: number, i: number, bits: number): number => {
  const each = 8 / bits;
  return (bytes[start + Math.floor(i / each)] >> ((i % each) * bits)) & (2 ** bits - 1);
};

/** Packed like the weights, each row on whole bytes; or plain numbers; the middle of the range where there are none. */
const zeroPoints = (
  sources: ConstantSources,
  name: string | undefined,
  rows: number,
  blocks: number,
  bits: number
): ((block: number) => number) | undefined => {
  if (!name) {
    return () => 2 ** (bits - 1);
  }
  if (sources.tensors.get(name)?.dataType === UINT8) {
    const bytes = storedBytes(sources, name);
    const stride = Math.ceil((blocks * bits) / 8);
    return bytes?.length === rows * stride
      ? block => field(bytes, Math.floor(block / blocks) * stride, block % blocks, bits)
      : undefined;
  }
  const numbers = constantValues(sources, name)?.data;
  return numbers?.length === rows * blocks ? block => numbers[block] : undefined;
};

const UINT8 = 2;
/** UINT4, INT4. */
const HALF_BYTES = new Set([21, 22]);
