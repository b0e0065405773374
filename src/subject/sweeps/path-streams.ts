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
  if (hook.endsWith('hook_z')) {
    const mid = await tokenwise(parts, 'output', layer, batch, [
      [hook, after],
      [units.hooks.stream(layer), streamAt(parts, layer, batch)]
    ]);
    const summed = remade ? await behindMid(parts, layer, batch, mid) : behindSum(parts, layer, batch, mid);
    return { stream: await summed, layer: layer + 1 };
  }
  if (remade) {
    const mid = units.hooks.of(layer, 'hook_resid_mid');
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

/** The next stream, where the MLP's output is the base run's and streams are sums. */
const behindSum = ({ units, base }: EntryParts, layer: number, batch: Batch, mid: Float32Array): Float32Array => {
  if (!units.hooks.hasMid(layer)) {
    return mid;
  }
  const before = gatherTokens(base.hook(units.hooks.of(layer, 'hook_resid_mid')), batch, base.length);
  const next = gatherTokens(base.hook(units.hooks.stream(layer + 1)), batch, base.length);
  return next.map((value, at) => value + mid[at] - before[at]);
};

/** The same where norms follow the sums. */
const behindMid = (parts: EntryParts, layer: number, batch: Batch, mid: Float32Array): Promise<Float32Array> => {
  const { units, base } = parts;
  const written = units.hooks.of(layer, 'hook_mlp_out');
  return tokenwise(parts, 'rejoin', layer, batch, [
    [units.hooks.of(layer, 'hook_resid_mid'), mid],
    [written, gatherTokens(base.hook(written), batch, base.length)]
  ]);
};

/** Through a block whose attention and MLP write what they wrote. */
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
  return behindMid(parts, layer, batch, mid);
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
  remade ? Array.from({ length: units.hooks.layers }, (_, layer) => units.hooks.of(layer, 'hook_mlp_out')) : [];
