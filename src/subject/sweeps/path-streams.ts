import type { Travel } from './chain';
import type { EntryParts } from './entries';
import { gatherTokens, tokenCount, type Batch } from './stored';
import type { PieceKind } from './pieces';
import { layerOf } from './whole-paths';

/**
 * The residual stream before each of `layers` (ascending) at the active tokens, where the senders' `hook` has the values that are sent and every attention and
 * MLP behind it keeps the base run's. Where streams are sums that is the base run's and what the sender's change adds to it; `remade`, the sums and
 * norms between are made anew by the file's own nodes.
 */
export const pathStreams = async (
  parts: EntryParts,
  remade: boolean,
  hook: string,
  sent: Travel,
  layers: readonly number[]
): Promise<readonly Float32Array[]> => {
  const streams: Float32Array[] = [];
  const { batch } = sent;
  const start = await firstStream(parts, remade, hook, sent);
  let { stream, layer } = start;
  for (const wanted of layers) {
    if (remade) {
      for (; layer < wanted; layer++) {
        stream = await throughBlock(parts, layer, batch, stream);
      }
      streams.push(stream);
    } else {
      const own = streamAt(parts, wanted, batch);
      const before = streamAt(parts, start.layer, batch);
      streams.push(own.map((value, at) => value + start.stream[at] - before[at]));
    }
  }
  return streams;
};

const streamAt = ({ units, base }: EntryParts, layer: number, batch: Batch): Float32Array =>
  gatherTokens(base.hook(units.hooks.stream(layer)), batch, base.length);

/** The first stream that has the change, and the block that it enters. */
const firstStream = async (
  parts: EntryParts,
  remade: boolean,
  hook: string,
  { batch, packed: after }: Travel
): Promise<{ readonly stream: Float32Array; readonly layer: number }> => {
  const { units, base } = parts;
  const layer = layerOf(hook);
  if (hook === units.hooks.stream(0)) {
    return { stream: after, layer: 0 };
  }
  const summed = remade ? mlpRejoined : behindSum;
  if (hook.endsWith('cross_attn.hook_z')) {
    const mid = units.hooks.of(layer, 'hook_resid_mid');
    const behind = await tokenwise(parts, 'cross-output', layer, batch, [
      [hook, after],
      [mid, gatherTokens(base.hook(mid), batch, base.length)]
    ]);
    return { stream: await summed(parts, layer, batch, units.hooks.beforeMlp(layer), behind), layer: layer + 1 };
  }
  if (hook.endsWith('hook_z')) {
    const mid = await tokenwise(parts, 'output', layer, batch, [
      [hook, after],
      [units.hooks.stream(layer), streamAt(parts, layer, batch)]
    ]);
    return {
      stream: await summed(parts, layer, batch, units.hooks.of(layer, 'hook_resid_mid'), mid),
      layer: layer + 1
    };
  }
  if (remade) {
    const mid = units.hooks.beforeMlp(layer);
    return {
      stream: await tokenwise(parts, 'rejoin', layer, batch, [
        [mid, gatherTokens(base.hook(mid), batch, base.length)],
        [hook, after]
      ]),
      layer: layer + 1
    };
  }
  const before = gatherTokens(base.hook(hook), batch, base.length);
  const next = streamAt(parts, layer + 1, batch);
  return { stream: next.map((value, at) => value + after[at] - before[at]), layer: layer + 1 };
};

/** The next stream, where `mid` is changed, what is written behind it is the base run's, and streams are sums. */
const behindSum = async (
  { units, base }: EntryParts,
  layer: number,
  batch: Batch,
  hook: string,
  mid: Float32Array
): Promise<Float32Array> => {
  if (!units.hooks.hasMid(layer)) {
    return mid;
  }
  const before = gatherTokens(base.hook(hook), batch, base.length);
  const next = gatherTokens(base.hook(units.hooks.stream(layer + 1)), batch, base.length);
  return next.map((value, at) => value + mid[at] - before[at]);
};

/** The same by the block's own additions and norms. */
const mlpRejoined = async (
  parts: EntryParts,
  layer: number,
  batch: Batch,
  hook: string,
  mid: Float32Array
): Promise<Float32Array> => {
  const { units, base } = parts;
  const before = units.hooks.beforeMlp(layer);
  const held = (name: string): readonly [string, Float32Array] => {
    const written = units.hooks.of(layer, name);
    return [written, gatherTokens(base.hook(written), batch, base.length)];
  };
  const read =
    hook === before
      ? mid
      : await tokenwise(parts, 'cross-rejoin', layer, batch, [[hook, mid], held('hook_cross_attn_out')]);
  return tokenwise(parts, 'rejoin', layer, batch, [[before, read], held('hook_mlp_out')]);
};

/** Through a block whose attentions and MLP write what they wrote. */
const throughBlock = async (
  parts: EntryParts,
  layer: number,
  batch: Batch,
  stream: Float32Array
): Promise<Float32Array> => {
  const { units, base } = parts;
  const z = units.hooks.of(layer, 'attn.hook_z');
  const mid = await tokenwise(parts, 'output', layer, batch, [
    [z, gatherTokens(base.hook(z), batch, base.length)],
    [units.hooks.stream(layer), stream]
  ]);
  return mlpRejoined(parts, layer, batch, units.hooks.of(layer, 'hook_resid_mid'), mid);
};

const tokenwise = async (
  { units, base }: EntryParts,
  kind: PieceKind,
  layer: number,
  batch: Batch,
  inputs: readonly (readonly [string, Float32Array])[]
): Promise<Float32Array> => {
  const tokens = tokenCount(batch);
  const values = inputs.map(([hook, data]) => ({ dims: [1, tokens, ...base.hook(hook).token], data }));
  const [{ data }] = await units.run(kind, layer, values, units.sizes(1, tokens), await units.tokenContext(tokens));
  return data;
};

/** Hooks of the base run that streams behind norms are made from, besides the chain's own. */
export const pathHooks = ({ units }: Pick<EntryParts, 'units'>, remade: boolean): readonly string[] =>
  remade
    ? Array.from({ length: units.hooks.layers }, (_, layer) => [
        units.hooks.of(layer, 'hook_mlp_out'),
        ...(units.hooks.hasCross(layer) ? [units.hooks.of(layer, 'hook_cross_attn_out')] : [])
      ]).flat()
    : [];
