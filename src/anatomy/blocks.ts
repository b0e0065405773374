import type { Node } from '../onnx/model';
import type { Block, Mlp, NormPart, Refusal } from './anatomy';
import type { Facts } from './facts';
import type { Layer } from './layer';
import { additionsTo, mixture, mlpParts, type Branch, type MlpParts } from './mlp';
import type { Norm, Norms } from './norms';
import { scalingAfter } from './scaling';

/** A block and how it is built; hooks and the tower's facts are read off it. */
export interface BuiltBlock {
  readonly block: Block;
  readonly layer: Layer;
  /** Of blocks with two attentions. */
  readonly cross?: Layer;
  readonly mlp?: MlpParts;
  readonly placement: 'pre' | 'post' | 'sandwich' | 'none';
  readonly parallel: boolean;
}

/** Puts an attention and whatever is added to the stream behind it together. `sums` are the Adds of all attentions. */
export const buildBlock = (facts: Facts, norms: Norms, layer: Layer, sums: ReadonlySet<Node>): BuiltBlock | Refusal => {
  const { meeting } = layer;
  if (meeting.sibling !== undefined) {
    const mlp = mlpParts(facts, norms, meeting.sibling);
    return mlp
      ? assemble(facts, norms, layer, { added: meeting.sibling, after: meeting.after }, mlp, true)
      : { why: 'a parallel branch of the block is not an MLP', at: meeting.sibling };
  }
  const stream = [meeting.after, ...norms.reading(meeting.after).map(norm => norm.output)];
  const branches = stream.flatMap(tensor => additionsTo(facts, tensor, sums));
  const found = branches.flatMap(branch => {
    const mlp = mlpParts(facts, norms, branch.added);
    return mlp ? [{ branch, mlp }] : [];
  });
  if (found.length > 1) {
    return { why: 'more than one branch is added to the stream behind one attention', at: meeting.after };
  }
  const origins = new Set(stream.map(facts.streamOrigin));
  const others = found.length > 0 ? [] : branches;
  const mixtures = others.flatMap(branch => {
    const mlp = mixture(facts, branch.added, origins);
    return mlp ? [{ branch, mlp }] : [];
  });
  const [only] = mixtures.length === 1 ? mixtures : (found as readonly { branch: Branch; mlp: MlpParts }[]);
  if (!only) {
    return assemble(facts, norms, layer, undefined, undefined, false, feedsNorm(facts, norms, layer, sums));
  }
  const parallel = readsBefore(facts, layer, only.mlp);
  return assemble(facts, norms, layer, only.branch, only.mlp, parallel);
};

/** The MLP reads the stream as it was before the attention. */
const readsBefore = (facts: Facts, { meeting, norm }: Layer, { reads, readsNorm }: MlpParts): boolean => {
  const before = facts.streamOrigin(meeting.before);
  return (
    reads !== undefined &&
    (facts.streamOrigin(reads) === before ||
      reads === norm?.output ||
      (readsNorm && facts.streamOrigin(readsNorm.input)) === before)
  );
};

type Added = Pick<Branch, 'added' | 'after'> & { readonly before?: string };

const assemble = (
  facts: Facts,
  norms: Norms,
  layer: Layer,
  branch: Added | undefined,
  mlp: MlpParts | undefined,
  parallel: boolean,
  postNorm = false
): BuiltBlock => {
  const { meeting } = layer;
  const residPost = withPositions(facts, branch?.after ?? meeting.after);
  const middle =
    branch?.before !== undefined && facts.streamOrigin(branch.before) !== facts.streamOrigin(meeting.after);
  const post =
    !layer.norm &&
    (middle ||
      (!branch && norms.reading(meeting.after).length > 0 && !parallel && (postNorm || isPost(facts, norms, layer))));
  const normalized = post ? norms.reading(residPost)[0]?.output : undefined;
  const block: Block = {
    residPre: meeting.before,
    ...(branch && !parallel && { residMid: meeting.after }),
    residPost,
    ...(normalized !== undefined && { normalizedResidPost: normalized }),
    attention: attention(facts, layer),
    ...(branch && mlp && { mlp: mlpOf(branch, mlp) }),
    norms: normParts(norms, layer, mlp, residPost, post)
  };
  const sandwich = Boolean(layer.norm && (meeting.postNorm || mlp?.postNorm));
  const placement = sandwich ? 'sandwich' : layer.norm ? 'pre' : post ? 'post' : 'none';
  return { block, layer, ...(mlp && { mlp }), placement, parallel };
};

/** Rows that are at once parted into batch and positions are taken parted. */
const withPositions = (facts: Facts, tensor: string): string => {
  const parted = facts
    .consumers(tensor)
    .map(node => node.outputs[0])
    .find(output => facts.shape(output)?.length === 3 && facts.streamOrigin(output) === facts.streamOrigin(tensor));
  return facts.shape(tensor)?.length === 2 ? (parted ?? tensor) : tensor;
};

/** Attention alone with post-norm: another attention adds to the norm of the sum. */
const feedsNorm = (facts: Facts, norms: Norms, { meeting }: Layer, sums: ReadonlySet<Node>): boolean =>
  norms.reading(meeting.after).some(({ output }) => facts.consumers(output).some(node => sums.has(node)));

/** The same, where what the queries read is itself the output of a norm of a sum. */
const isPost = (facts: Facts, norms: Norms, { meeting }: Layer): boolean =>
  norms.get(facts.streamOrigin(meeting.before)) !== undefined;

const attention = (facts: Facts, { anchor, operands, projections, meeting, latent }: Layer): Block['attention'] => {
  const { q, k } = operands;
  const after = scalingAfter(facts, anchor.products, anchor.scores);
  const before = q.scale !== null && k.scale !== null ? q.scale * k.scale : null;
  return {
    ...projections,
    scores: anchor.scores,
    ...(anchor.sink !== undefined && { sink: anchor.sink }),
    pattern: anchor.pattern,
    z: anchor.z,
    out: meeting.added,
    ...(meeting.scale && { outScale: meeting.scale }),
    ...(before !== null && after && { ...after, scale: before * after.scale, scales: { q: q.scale!, k: k.scale! } }),
    rotary: Boolean(q.rotated && k.rotated),
    ...(latent && { latent }),
    grouped: operands.k.repeated,
    node: anchor.softmax.name || anchor.softmax.outputs[0]
  };
};

const mlpOf = (
  { added }: Pick<Branch, 'added'>,
  { kind, gate, in: first, out, outScale, post, activation }: MlpParts
): Mlp => ({
  ...(first && { in: first }),
  ...(gate && { gate }),
  ...(out && { out }),
  ...(kind !== 'other' && { pre: (gate ?? first)?.output }),
  ...(post !== undefined && { post }),
  output: added,
  ...(outScale && { outScale }),
  ...(activation !== undefined && { activation })
});

const part = (role: NormPart['role'], { kind, input, output, weight, bias, epsilon }: Norm): NormPart => ({
  role,
  kind,
  input,
  output,
  ...(weight !== undefined && { weight }),
  ...(bias !== undefined && { bias }),
  epsilon
});

export const normPart = part;

const normParts = (
  norms: Norms,
  { norm, zNorm, meeting, operands }: Layer,
  mlp: MlpParts | undefined,
  residPost: string,
  post: boolean
): readonly NormPart[] => {
  const first = post ? norms.reading(meeting.after)[0] : norm;
  const second = post ? (mlp ? norms.reading(residPost)[0] : undefined) : mlp?.readsNorm;
  const rows: readonly (readonly [NormPart['role'], Norm | undefined])[] = [
    ['ln1', first],
    ['ln1_post', post ? undefined : meeting.postNorm],
    ['ln2', second],
    ['ln2_post', post ? undefined : mlp?.postNorm],
    ['q_norm', operands.q.norm],
    ['k_norm', operands.k.norm],
    ['z_norm', zNorm]
  ];
  return rows.flatMap(([role, found]) => (found ? [part(role, found)] : []));
};
