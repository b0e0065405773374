import type { BaseRun } from './base-run';
import type { Travel } from './chain';
import type { PieceKind, TowerHooks } from './pieces';
import { fromGrid, gridOf, tokenCount, type Batch } from './stored';
import type { Values } from './units';

/** Attention to another tower's states: each token by itself, on keys and values that are the prompts' own. Takes and gives the travelling tokens. */
export interface Cross {
  /** From the stream before it to the stream behind it. */
  through(layer: number, mid: Travel): Promise<Travel>;
  /** Changed queries, and the stream before. */
  fromQueries(layer: number, queries: Travel, mid: Float32Array): Promise<Travel>;
  /** Changed patterns [row, head, query, key] to the heads' results. */
  fromPattern(layer: number, batch: Batch, patterns: Values): Promise<Travel>;
  /** The heads' results, and the stream before. */
  fromZ(layer: number, z: Travel, mid: Float32Array): Promise<Travel>;
}

interface CrossParts {
  readonly hooks: TowerHooks;
  readonly base: BaseRun;
  /** As the chain runs pieces of tokens, and of whole rows. */
  readonly tokenwise: (
    kind: PieceKind,
    layer: number,
    batch: Batch,
    inputs: readonly (readonly [string, Float32Array])[]
  ) => Promise<readonly Float32Array[]>;
  readonly whole: (kind: PieceKind, layer: number, batch: Batch, values: readonly Values[]) => Promise<Float32Array>;
}

export const createCross = ({ hooks, base, tokenwise, whole }: CrossParts): Cross => {
  const of = (layer: number, name: string): string => hooks.of(layer, `cross_attn.hook_${name}`);
  /** Rows of a hook: `packed` at the active tokens, else the prompts' own. Keys and values have positions of their own. */
  const rows = (hook: string, batch: Batch, packed?: Float32Array): Values => {
    const store = base.hook(hook);
    const length = store.data.length / (base.ids.length * store.width);
    const grid = new Float32Array(batch.prompts.length * length * store.width);
    return { dims: [batch.prompts.length, length, ...store.token], data: gridOf(store, batch, length, packed, grid) };
  };
  const results = (layer: number, batch: Batch, z: Float32Array): Travel => {
    const { width } = base.hook(of(layer, 'z'));
    const packed = new Float32Array(tokenCount(batch) * width);
    return { batch, packed: fromGrid(z, batch.active, base.length, width, packed) };
  };
  const cross: Cross = {
    through: async (layer, { batch, packed: mid }) => {
      const [packed] = await tokenwise('cross-project', layer, batch, [[hooks.of(layer, 'hook_resid_mid'), mid]]);
      return cross.fromQueries(layer, { batch, packed }, mid);
    },
    fromQueries: async (layer, { batch, packed }, mid) => {
      const z = await whole('cross-attend', layer, batch, [
        rows(of(layer, 'q'), batch, packed),
        rows(of(layer, 'k'), batch),
        rows(of(layer, 'v'), batch)
      ]);
      return cross.fromZ(layer, results(layer, batch, z), mid);
    },
    fromPattern: async (layer, batch, patterns) =>
      results(layer, batch, await whole('cross-mix', layer, batch, [patterns, rows(of(layer, 'v'), batch)])),
    fromZ: async (layer, { batch, packed }, mid) => {
      const [behind] = await tokenwise('cross-output', layer, batch, [
        [of(layer, 'z'), packed],
        [hooks.of(layer, 'hook_resid_mid'), mid]
      ]);
      return { batch, packed: behind };
    }
  };
  return cross;
};
