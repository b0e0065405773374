import type { Node } from '../onnx/model';
import type { Anchor } from './anchors';
import type { Projection, Refusal } from './anatomy';
import { intsAttribute } from './attributes';
import type { Facts } from './facts';
import { findOutputLayer, findProjection, layerInput, projection } from './linear';
import { normOf, type Norm, type Norms } from './norms';
import { followOperand, type Operand } from './operand';
import { findMeeting, residualCandidates, type Meeting } from './residual';

/** One attention with its projections and its place in the residual stream. */
export interface Layer {
  readonly anchor: Anchor;
  readonly operands: Readonly<Record<'q' | 'k' | 'v', Operand>>;
  readonly projections: Readonly<Record<'q' | 'k' | 'v' | 'o', Projection>>;
  readonly meeting: Meeting;
  /** The norm that q, k and v read (of cross-attention: q), where they do not read the stream itself. */
  readonly norm?: Norm;
  /** The norm of all heads together, between z and W_O (BitNet). */
  readonly zNorm?: Norm;
  /** Keys and values are made of a narrower vector that the heads share (DeepSeek-AI 2024), so that no one matrix makes them of the stream. */
  readonly latent?: true;
  /** What keys and values read, where that is another stream than the queries': cross-attention. */
  readonly states?: string;
}

/** Tensors whose sizes must be seen in a run first. */
export interface Unresolved {
  readonly unresolved: readonly string[];
}

export const isUnresolved = (found: object): found is Unresolved => 'unresolved' in found;

/** Errors are values: a Refusal says at which node the search ended, and why. */
export const findLayer = (facts: Facts, norms: Norms, anchor: Anchor): Layer | Refusal | Unresolved => {
  const at = anchor.softmax.name || anchor.softmax.outputs[0];
  const refuse = (why: string): Refusal => ({ why, at });
  const unknown = [anchor.q, anchor.k, anchor.v].filter(name => facts.shape(name) === undefined);
  if (unknown.length) {
    return { unresolved: unknown };
  }
  const operands = findOperands(facts, norms, anchor);
  if (!operands) {
    const ranks = [anchor.q, anchor.k, anchor.v].map(name => facts.shape(name)?.length);
    return refuse(`attention has operands of rank ${ranks.join(', ')}, only 3 and 4 are understood`);
  }
  const q = findProjection(facts, norms, operands.q.raw.tensor);
  const k = findProjection(facts, norms, operands.k.raw.tensor);
  const v = findProjection(facts, norms, operands.v.raw.tensor);
  const last = findOutputLayer(facts, norms, anchor.z);
  if (!q || !last) {
    return refuse(q ? 'attention whose output no layer reads as it is' : 'attention whose queries no layer computes');
  }
  const latent = v && latentOf(facts, norms, v, q);
  if (!k || !v || !(latent ?? sameStream(facts, norms, k, v))) {
    return refuse(
      `attention whose ${k && v ? 'values read another stream than its keys' : 'keys or values no layer computes'}`
    );
  }
  const cross = !latent && !sameStream(facts, norms, q, k);
  const { direct, normed } = residualCandidates(facts, norms, (latent ?? q).input);
  const candidates = new Set([facts.streamOrigin(direct), ...(normed ? [facts.streamOrigin(normed.input)] : [])]);
  const meeting = findMeeting(facts, norms, last.outputs[0], candidates);
  if (!meeting) {
    return refuse(
      rearranged(facts, q.input) ?? 'attention whose output is not added to the stream that its queries read'
    );
  }
  const preNorm =
    normed && facts.streamOrigin(meeting.before) === facts.streamOrigin(normed.input) ? normed : undefined;
  const o = outputProjection(facts, last, meeting);
  const zNorm = normOf(facts, norms, layerInput(facts, last.inputs[0]));
  return {
    anchor,
    operands: latent ? asMultiplied(operands) : operands,
    projections: latent ? { q: unread(q), k: unread(k), v: unread(v), o } : { q, k, v, o },
    meeting,
    ...(latent && { latent: true }),
    ...(preNorm && { norm: preNorm }),
    ...(zNorm && { zNorm }),
    ...(cross && { states: layerInput(facts, k.input) })
  };
};

const ARRANGING = new Set([
  'Reshape',
  'Transpose',
  'Slice',
  'Concat',
  'Pad',
  'Cast',
  'Identity',
  'Unsqueeze',
  'Squeeze'
]);
const MOST_STEPS = 12;

/** How what the queries read differs from the stream in the order of its positions alone. */
const rearranged = (facts: Facts, read: string): string | undefined => {
  let at: string | undefined = read;
  for (let step = 0; step < MOST_STEPS && at !== undefined; step++) {
    const node = facts.producer(at);
    const order = node?.opType === 'Transpose' ? intsAttribute(node, 'perm') : undefined;
    if (order?.join() === '1,0,2') {
      return 'the stream is [pos, batch, d_model], positions first';
    }
    if (order && order.length > 4) {
      return 'attention within windows of an image: no pattern is between all tokens of the stream';
    }
    at = node && ARRANGING.has(node.opType) ? node.inputs.find(facts.isActivation) : undefined;
  }
  return undefined;
};

export const isRefusal = (found: object): found is Refusal => 'why' in found;

const findOperands = (facts: Facts, norms: Norms, { q, k, v, axes }: Anchor): Layer['operands'] | undefined => {
  const found = {
    q: followOperand(facts, norms, q, ['pos', 'dim'], axes.q),
    k: followOperand(facts, norms, k, ['dim', 'pos'], axes.k),
    v: followOperand(facts, norms, v, ['pos', 'dim'], axes.v)
  };
  return found.q && found.k && found.v ? { q: found.q, k: found.k, v: found.v } : undefined;
};

/** Two projections read one stream when they read one tensor, or norms of one tensor. */
const sameStream = (facts: Facts, norms: Norms, a: Projection, b: Projection): boolean => {
  const [one, other] = [a, b].map(({ input }) => residualCandidates(facts, norms, input));
  return one.direct === other.direct || (one.normed !== undefined && one.normed.input === other.normed?.input);
};

const LATENT = new Set(['Identity', 'Cast', 'Reshape', 'Split', 'Slice']);

/** The layer of what the queries read, or of what theirs is a layer of, whose norm the values are a layer of (DeepSeek-V2). */
const latentOf = (facts: Facts, norms: Norms, v: Projection, q: Projection): Projection | undefined => {
  const behind = (of: Projection): Projection | undefined => {
    const { normed } = residualCandidates(facts, norms, of.input);
    return normed && findProjection(facts, norms, normed.input, LATENT);
  };
  const latent = behind(v);
  const shared = [q, behind(q)].some(one => one !== undefined && latent && sameStream(facts, norms, latent, one));
  return shared ? latent : undefined;
};

/** A part of each query and key is rotated and put beside the rest: only what is multiplied is one tensor. */
const asMultiplied = ({ q, k, v }: Layer['operands']): Layer['operands'] => {
  const whole = ({ cached, ...operand }: Operand): Operand => ({
    ...operand,
    rotated: operand.rotated ?? operand.raw,
    ...(cached && { cached: { ...cached, of: 'rotated' } })
  });
  return { q: whole(q), k: whole(k), v };
};

/** Where it is, without weights that would be taken for the stream's. */
const unread = ({ node, input, output }: Projection): Projection => ({ node, input, output });

const outputProjection = (facts: Facts, node: Node, { bias }: Meeting): Projection => {
  const o = projection(facts, node, { tensor: node.outputs[0] });
  return bias === undefined || o.weight === undefined ? o : { ...o, bias: o.bias ?? bias };
};
