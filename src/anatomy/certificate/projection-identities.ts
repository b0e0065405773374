import type { Numbers } from '../../onnx/numbers';
import type { Block, Projection } from '../anatomy';
import type { AttentionPart } from './attention-part';
import {
  attentionInput,
  behindNorm,
  crossInput,
  hooksOf,
  inBlock,
  normOf,
  product,
  timesScale,
  type CheckContext,
  type Outcome
} from './identity';
import { affine, standardise } from './layer-maths';

/** attn_out = z · W_O + b, with the norm of z, and the norm and the factor behind it where there are. */
export const outputProjection = (context: CheckContext, part: AttentionPart, layer: number): Outcome => {
  const { name, attention, block } = part;
  const names = [`${name}.hook_z`, `hook_${name}_out`];
  const found = hooksOf(context, layer, names);
  const { heads, dHead, dModel } = context.tower;
  if (!found) {
    return undefined;
  }
  const norm = name === 'attn' ? normOf(block, 'ln1_post') : undefined;
  const { o: projection, outScale } = attention;
  const [z, file] = names.map(hook => found[hook]);
  const x = normedZ(context, block, z);
  if (typeof x === 'string') {
    return x;
  }
  const route = context.route(inBlock(layer, names[0]), inBlock(layer, names[1]), 'product');
  return product(
    context,
    { file, x, from: heads * dHead, to: dModel, projection, route },
    norm || outScale ? y => timesScale(context, behindNorm(context, y, norm), outScale) : undefined
  );
};

/** What W_O reads. */
const normedZ = ({ tower: { heads, dHead }, read }: CheckContext, block: Block, z: Numbers): Numbers | string => {
  const norm = normOf(block, 'z_norm');
  return norm ? affine(standardise(z, norm, heads * dHead), norm, read, heads * dHead) : z;
};

/** hook_q = (what the attention reads) · W_Q + b; likewise k and v. */
export const inputProjection =
  (name: 'q' | 'k' | 'v') =>
  (context: CheckContext, part: AttentionPart, layer: number): Outcome => {
    const { heads, kvHeads, dHead, dModel } = context.tower;
    const input = readBy(context, part, name);
    const hook = `${part.name}.hook_${name}`;
    const found = hooksOf(context, layer, [input, hook]);
    const width = (name === 'q' ? heads : kvHeads) * dHead;
    if (!found || part.attention.latent) {
      return undefined;
    }
    const from = input === STATES ? (context.hook(STATES.slice(1))?.dims.at(-1) ?? dModel) : dModel;
    const x = found[input];
    // Of keys and values all places are there, of what they read the sampled ones.
    const file =
      context.places && part.name === 'attn' && name !== 'q' ? rowsAt(found[hook], width, context.places) : found[hook];
    const projection = part.attention[name];
    const route = context.route(inBlock(layer, input), inBlock(layer, hook), 'product');
    return product(context, { file, x, from, to: width, projection, route }, cutOff(projection));
  };

/** Of one sequence [pos, width]. */
const rowsAt = (x: Numbers, width: number, places: readonly number[]): Float64Array => {
  const out = new Float64Array(places.length * width);
  places.forEach((place, i) => out.set(x.subarray(place * width, (place + 1) * width), i * width));
  return out;
};

/** min(max(y, low), high) */
const cutOff = ({ clip }: Projection): ((y: Float64Array | string) => Float64Array | string) | undefined =>
  clip && (y => (typeof y === 'string' ? y : y.map(value => Math.min(Math.max(value, clip[0]), clip[1]))));

/** A hook of the tower, not of the block. */
const STATES = '/hook_encoder_states';

/** What a projection reads: cross-attention's queries the stream behind the self-attention, its keys and values another tower's states. */
const readBy = (context: CheckContext, { name, block }: AttentionPart, projection: 'q' | 'k' | 'v'): string => {
  if (name === 'attn') {
    return attentionInput(context, block);
  }
  return projection === 'q' ? crossInput(context, block) : STATES;
};
