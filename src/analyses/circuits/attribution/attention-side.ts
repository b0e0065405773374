import type { NormPart, Projection } from '../../../anatomy/anatomy';
import type { Cache, Subject } from '../../../subject/subject';
import type { WeightName } from '../../../subject/weights/weight-table';
import { blockHook } from '../../hooks';
import { frozenNorm, NO_NORM, type FrozenNorm } from '../frozen-norm';
import { rotationOf, type Rotated, type Rotation } from '../rotation';
import { dot, rowOf, streamHook } from '../stream-parts';

/** A named vector: a part of the stream [d_model], or what becomes of it in a query, key or value [d_head]. */
export interface Term {
  readonly name: string;
  readonly vector: Float64Array;
}

/** Of one head at one position. */
export interface Side {
  readonly part: 'Q' | 'K' | 'V';
  readonly layer: number;
  /** Of the queries; keys and values are those that serve it. */
  readonly head: number;
  readonly position: number;
}

export const CONSTANT = 'constant';
export const REMAINDER = 'remainder';
/** Of a file that rounds the activations that a projection reads: what that changes. */
export const ROUNDING = 'rounding';

/** What the weights leave of a vector, relative to it: beyond this something was not understood. */
const MOST_LEFT = 0.05;

const hookOf = (subject: Subject, { part, layer }: Pick<Side, 'part' | 'layer'>, rotated: boolean): string =>
  blockHook(subject, layer, `attn.hook_${rotated ? 'rot_' : ''}${part.toLowerCase()}`);

/** What `sideTerms` reads besides the stream's parts. */
export function sideHooks(subject: Subject, layer: number): string[] {
  const { rotary } = subject.tower.blocks[layer].attention;
  const parts = ['Q', 'K', 'V'] as const;
  return [
    streamHook(subject, layer),
    ...parts.map(part => hookOf(subject, { part, layer }, false)),
    ...(rotary ? (['Q', 'K'] as const).map(part => hookOf(subject, { part, layer }, true)) : [])
  ];
}

/**
 * Terms of one head's query, key or value, behind the head's own norm and the rotation: what each part of the stream, each norm's scale held at its
 * measured value, becomes there. 'constant' is what the norms' and the projection's biases give; 'remainder' also takes what the weights do not
 * explain of the model's own vector, so that the terms add up to that vector; 'rounding' takes it where the file rounds what the projection reads.
 */
export function sideTerms(subject: Subject, cache: Cache, parts: readonly Term[], side: Side): Term[] {
  const columns = projectionColumns(subject, side);
  const constant = biasOf(subject, side, columns);
  const stream = rowOf(cache, streamHook(subject, side.layer), side.position);
  const norm = normOf(subject, side.layer, 'ln1', stream);
  columns.forEach(column => norm.pullBack(column).forEach((value, m) => (column[m] = value / norm.scale)));
  const own = headNorm(subject, cache, side);
  const turn = rotationAt(subject, cache, side);
  const terms = parts.map(({ name, vector }) => ({
    name,
    vector: turn(own.apply(Float64Array.from(columns, column => dot(column, vector))))
  }));
  const shift = ownShift(subject, side);
  const fixed = own.apply(constant).map((value, d) => value + (shift?.[d] ?? 0));
  return withRest(subject, [...terms, { name: CONSTANT, vector: turn(fixed) }], measured(subject, cache, side), side);
}

const vectorOf = (subject: Subject, name: WeightName, layer: number): Float32Array =>
  subject.weights.read(name, { layers: [layer] }).data as Float32Array;

/** The ln1 of post-norm blocks stands behind the heads: what they read is the stream itself. */
const partOf = ({ tower }: Subject, layer: number, role: NormPart['role']): NormPart | undefined =>
  role === 'ln1' && tower.norm.placement === 'post'
    ? undefined
    : tower.blocks[layer].norms.find(one => one.role === role);

function normOf(
  subject: Subject,
  layer: number,
  role: 'ln1' | 'q_norm' | 'k_norm',
  activation: Float64Array
): FrozenNorm {
  const part = partOf(subject, layer, role);
  const weight = part?.weight === undefined ? undefined : vectorOf(subject, `${role}.w`, layer);
  return part ? frozenNorm(part, weight, activation) : NO_NORM;
}

/** The head among those of its kind: key/value heads serve as many query heads in a row. */
const ownHead = ({ tower }: Subject, { part, head }: Side): number =>
  part === 'Q' ? head : Math.floor((head * tower.kvHeads) / tower.heads);

/** [d_head][d_model] */
function projectionColumns(subject: Subject, side: Side): Float64Array[] {
  const { dims, data } = subject.weights.read(`W_${side.part}`, {
    layers: [side.layer],
    heads: [ownHead(subject, side)]
  });
  const [dModel, width] = dims.slice(-2);
  return Array.from({ length: width }, (_, d) =>
    Float64Array.from({ length: dModel }, (__, m) => Number(data[m * width + d]))
  );
}

const projectionOf = ({ tower }: Subject, { part, layer }: Side): Projection =>
  tower.blocks[layer].attention[({ Q: 'q', K: 'k', V: 'v' } as const)[part]];

/** ln1.b·W + b, [d_head] */
function biasOf(subject: Subject, side: Side, columns: readonly Float64Array[]): Float64Array {
  const { part, layer } = side;
  const shift = partOf(subject, layer, 'ln1')?.bias === undefined ? undefined : vectorOf(subject, 'ln1.b', layer);
  const { bias } = projectionOf(subject, side);
  const heads = [ownHead(subject, side)];
  const own = bias === undefined ? undefined : subject.weights.read(`b_${part}`, { layers: [layer], heads }).data;
  return Float64Array.from(columns, (column, d) => (shift ? dot(shift, column) : 0) + Number(own?.[d] ?? 0));
}

const HEAD_NORMS = { Q: 'q_norm', K: 'k_norm', V: undefined } as const;

/** The norm of single heads' queries or keys (Qwen 3, Gemma 3) or of all heads' together (OLMo 2), frozen. Throws for a layer norm over all heads, whose mean is of others too. */
function headNorm(subject: Subject, cache: Cache, side: Side): FrozenNorm {
  const role = HEAD_NORMS[side.part];
  const part = role && partOf(subject, side.layer, role);
  if (!part) {
    return NO_NORM;
  }
  const raw = headRow(subject, cache, side, false);
  const weight = part.weight === undefined ? undefined : vectorOf(subject, `${role}.w`, side.layer);
  if (weight === undefined || weight.length === raw.length) {
    return frozenNorm(part, weight, raw);
  }
  const whole = rowOf(cache, hookOf(subject, side, false), side.position);
  if (weight.length !== whole.length || part.kind !== 'rms') {
    throw new Error(
      `norm not understood: '${part.output}' of layer ${side.layer} has ${weight.length} weights where a head's ${raw.length} belong`
    );
  }
  const { scale } = frozenNorm(part, weight, whole);
  const own = weight.subarray(ownHead(subject, side) * raw.length);
  const apply = (vector: Float64Array): Float64Array => vector.map((value, d) => (value * own[d]) / scale);
  return { scale, apply, pullBack: direction => direction.map((value, d) => value * own[d]) };
}

function ownShift(subject: Subject, { part, layer }: Side): Float32Array | undefined {
  const role = HEAD_NORMS[part];
  return role && partOf(subject, layer, role)?.bias !== undefined ? vectorOf(subject, `${role}.b`, layer) : undefined;
}

/** One head's row of a hook [1, pos, head, d_head]. */
function headRow(subject: Subject, cache: Cache, side: Side, rotated: boolean): Float64Array {
  const row = rowOf(cache, hookOf(subject, side, rotated), side.position);
  const width = row.length / (side.part === 'Q' ? subject.tower.heads : subject.tower.kvHeads);
  const head = ownHead(subject, side);
  return row.slice(head * width, (head + 1) * width);
}

const isRotated = ({ tower }: Subject, { part, layer }: Side): boolean =>
  part !== 'V' && tower.blocks[layer].attention.rotary;

/** The query, key or value that the model itself used. */
const measured = (subject: Subject, cache: Cache, side: Side): Float64Array =>
  isRotated(subject, side) ? headRow(subject, cache, side, true) : beforeRotation(subject, cache, side);

function beforeRotation(subject: Subject, cache: Cache, side: Side): Float64Array {
  const shift = ownShift(subject, side);
  const normed = headNorm(subject, cache, side).apply(headRow(subject, cache, side, false));
  return shift ? normed.map((value, d) => value + shift[d]) : normed;
}

/** Fitted to all heads' queries and keys of the position. */
function rotationAt(subject: Subject, cache: Cache, side: Side): Rotation {
  if (!isRotated(subject, side)) {
    return vector => vector;
  }
  const { heads, kvHeads } = subject.tower;
  const each = (part: 'Q' | 'K'): Rotated => {
    const sides = Array.from({ length: part === 'Q' ? heads : kvHeads }, (_, own): Side => ({
      ...side,
      part,
      head: part === 'Q' ? own : (own * heads) / kvHeads
    }));
    return {
      before: sides.map(one => beforeRotation(subject, cache, one)),
      after: sides.map(one => headRow(subject, cache, one, true))
    };
  };
  const { queries, keys } = rotationOf({ queries: each('Q'), keys: each('K') }, side.position);
  return side.part === 'Q' ? queries : keys;
}

/**
 * What the terms lack of the measured vector: rounding, where the file rounds what the projection reads (all of it, as the hook is verified with that
 * rounding; of a small vector, the value of a sink, it may be most), else to the remainder.
 */
function withRest(subject: Subject, terms: readonly Term[], whole: Float64Array, side: Side): Term[] {
  const rest = whole.slice();
  terms.forEach(({ vector }) => vector.forEach((value, d) => (rest[d] -= value)));
  if (projectionOf(subject, side).rounds !== undefined) {
    return [...terms, { name: ROUNDING, vector: rest }];
  }
  refuseRest(rest, whole, side);
  return terms.map(term =>
    term.name === REMAINDER ? { ...term, vector: term.vector.map((value, d) => value + rest[d]) } : term
  );
}

function refuseRest(rest: Float64Array, whole: Float64Array, { part, layer, head, position }: Side): void {
  const size = (vector: Float64Array): number => Math.sqrt(dot(vector, vector));
  const share = size(rest) / (size(whole) || 1);
  if (!(share <= MOST_LEFT)) {
    throw new Error(
      `terms do not add up: ${(100 * share).toPrecision(3)} % of L${layer}H${head}'s ${part} at position ${position} comes from none of the stream's parts, at most ${MOST_LEFT * 100} % are allowed`
    );
  }
}
