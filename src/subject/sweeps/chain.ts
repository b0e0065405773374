import type { BaseRun } from './base-run';
import { createCross } from './cross';
import type { PieceKind } from './pieces';
import type { RunSizes } from './run-sizes';
import { createScratch, fromGrid, gatherTokens, gridOf, tokenCount, widened, type Batch } from './stored';
import type { ContextTensors, Units, Values } from './units';

/** Rows on their way: the values of their active tokens, [token, width]. */
export interface Travel {
  readonly batch: Batch;
  readonly packed: Float32Array;
}

export type HeadPart = 'q' | 'k' | 'v';
export const PARTS: readonly HeadPart[] = ['q', 'k', 'v'];

/** Changes to queries, keys and values of one layer, at the batch's active tokens: in place of the rows' own. */
export type HeadChanges = Readonly<Partial<Record<HeadPart, Float32Array>>>;

/** Rows that enter the chain of blocks somewhere and leave it at its end. All steps of one set of rows share what crosses the cuts. */
export interface Chain {
  /** The residual stream before block `layer`. */
  fromStream(layer: number, travel: Travel): Promise<Travel>;
  /** Changed queries, keys or values. */
  fromHeads(layer: number, batch: Batch, changes: HeadChanges): Promise<Travel>;
  /** Changed patterns [row, head, query, key]; the active tokens are the queries of the changed ones. */
  fromPattern(layer: number, batch: Batch, patterns: Values): Promise<Travel>;
  /** Heads' results. */
  fromZ(layer: number, travel: Travel): Promise<Travel>;
  /** The stream between attention and MLP, or cross-attention; behind the block where it has none. */
  fromMid(layer: number, travel: Travel): Promise<Travel>;
  /** Changed queries of the cross-attention. */
  fromCrossQueries(layer: number, travel: Travel): Promise<Travel>;
  /** As `fromPattern`, of the cross-attention. */
  fromCrossPattern(layer: number, batch: Batch, patterns: Values): Promise<Travel>;
  /** Results of the cross-attention's heads. */
  fromCrossZ(layer: number, travel: Travel): Promise<Travel>;
  /** The stream that the MLP reads. */
  fromBeforeMlp(layer: number, travel: Travel): Promise<Travel>;
  /** The stream behind block `layer` before a norm that the block ends with. */
  fromPost(layer: number, travel: Travel): Promise<Travel>;
}

export interface ChainParts {
  readonly units: Units;
  readonly base: BaseRun;
  /** A token sees earlier ones only. */
  readonly causal: boolean;
  /** Tokens travel one after the other, not in rows of the prompt's length. */
  readonly packed: boolean;
  /** Positions that are read behind the last block, by prompt. */
  readonly read: readonly (readonly number[])[];
  /** Queries, keys and values that keep values of their own in later blocks: takes and gives those of the active tokens. */
  readonly fixed?: (layer: number, part: HeadPart, travel: Travel) => Float32Array;
  /** Called before each step: lets a cancel be heard. */
  readonly step: () => Promise<void>;
}

export const createChain = (parts: ChainParts): Chain => {
  const { units, base, causal, packed, read } = parts;
  const { hooks } = units;
  const { length } = base;
  const all = Array.from({ length }, (_, position) => position);
  const contexts = new Map<string, Promise<ContextTensors>>();
  const scratch = createScratch();

  /** Tokens that differ behind an attention whose inputs differ at `active`; whole rows carry every one. */
  const spread = (active: readonly number[]): readonly number[] => {
    if (!packed) {
      return all;
    }
    return active.length === 0 ? active : causal ? all.slice(Math.min(...active)) : all;
  };

  const contextFor = (prompts: readonly number[]): Promise<ContextTensors> => {
    const key = prompts.join();
    const made = contexts.get(key) ?? units.context(prompts.map(prompt => base.ids[prompt]));
    contexts.clear();
    contexts.set(key, made);
    return made;
  };

  const dimsOf = (batch: Batch): readonly number[] =>
    packed ? [1, tokenCount(batch)] : [batch.prompts.length, length];

  const sizesOf = (batch: Batch): RunSizes => {
    const [rows, positions] = dimsOf(batch);
    return units.sizes(rows, positions);
  };

  /** A piece in which each token is by itself. */
  const tokenwise = async (
    kind: PieceKind,
    layer: number,
    batch: Batch,
    inputs: readonly (readonly [string, Float32Array])[]
  ): Promise<readonly Float32Array[]> => {
    await parts.step();
    const dims = dimsOf(batch);
    const values = inputs.map(([hook, data]) => ({ dims: [...dims, ...base.hook(hook).token], data }));
    const context = packed ? await units.tokenContext(tokenCount(batch)) : await contextFor(batch.prompts);
    return (await units.run(kind, layer, values, sizesOf(batch), context)).map(({ data }) => data);
  };

  const whole = async (
    kind: PieceKind,
    layer: number,
    batch: Batch,
    values: readonly Values[]
  ): Promise<Float32Array> => {
    await parts.step();
    const rows = batch.prompts.length;
    const [{ data }] = await units.run(kind, layer, values, units.sizes(rows, length), await contextFor(batch.prompts));
    return data;
  };

  const part = (layer: number, name: HeadPart | 'z' | 'pattern'): string => hooks.of(layer, `attn.hook_${name}`);

  const gridValues = (layer: number, name: HeadPart, batch: Batch, changes: HeadChanges): Values => {
    const store = base.hook(part(layer, name));
    const dims = [batch.prompts.length, length, ...store.token];
    const grid = scratch(name, batch.prompts.length * length * store.width);
    return { dims, data: gridOf(store, batch, length, changes[name], grid) };
  };

  /** Positions that go on behind the attention of `layer`. */
  const onwards = (layer: number, batch: Batch): Batch => {
    const { prompts, active } = batch;
    const kept = (positions: readonly number[], row: number): readonly number[] =>
      positions.filter(position => read[prompts[row]].includes(position));
    return packed && layer === hooks.layers - 1 ? { prompts, active: active.map(kept) } : batch;
  };

  const behindAttention = (layer: number, batch: Batch, z: Float32Array, stream: Travel): Promise<Travel> => {
    const next = onwards(layer, { prompts: batch.prompts, active: batch.active.map(spread) });
    const store = base.hook(hooks.stream(layer));
    return afterHeads(layer, headsOf(layer, next, z), widened(store, stream.batch, stream.packed, next, length));
  };

  /** Heads' results at the active tokens, out of whole rows. */
  const headsOf = (layer: number, batch: Batch, z: Float32Array): Travel => {
    const { width } = base.hook(part(layer, 'z'));
    const packed = fromGrid(z, batch.active, length, width, scratch('z', tokenCount(batch) * width));
    return { batch, packed };
  };

  const afterHeads = async (layer: number, { batch, packed: z }: Travel, stream: Float32Array): Promise<Travel> => {
    if (tokenCount(batch) === 0) {
      return { batch, packed: new Float32Array(0) };
    }
    const [out] = await tokenwise('output', layer, batch, [
      [part(layer, 'z'), z],
      [hooks.stream(layer), stream]
    ]);
    const travel = { batch, packed: out };
    return hooks.hasMid(layer) ? chain.fromMid(layer, travel) : chain.fromStream(layer + 1, travel);
  };

  /** A mixture of experts is run with the base run's tokens beside the rows': they have met every expert before. */
  const throughMlp = async (layer: number, travel: Travel): Promise<Float32Array> => {
    const { prompts, active } = travel.batch;
    const mid = hooks.beforeMlp(layer);
    if (!hooks.isMixture(layer)) {
      return (await tokenwise('mlp', layer, travel.batch, [[mid, travel.packed]]))[0];
    }
    const beside = base.ids.map((_, prompt) => prompt);
    const batch: Batch = { prompts: [...prompts, ...beside], active: [...active, ...beside.map(() => all)] };
    const values = gatherTokens(base.hook(mid), batch, length);
    values.set(travel.packed);
    const [out] = await tokenwise('mlp', layer, batch, [[mid, values]]);
    return out.subarray(0, travel.packed.length);
  };

  /** Rows whose stream is the prompts' own. */
  const untouched = (layer: number, batch: Batch): Travel => ({
    batch,
    packed: gatherTokens(base.hook(hooks.stream(layer)), batch, length)
  });

  const attended = async (layer: number, batch: Batch, changes: HeadChanges): Promise<Float32Array> =>
    whole(
      'attend',
      layer,
      batch,
      PARTS.map(name => gridValues(layer, name, batch, changes))
    );

  /** Rows without packing carry every position. */
  const filled = (layer: string, { batch, packed: values }: Travel): Travel => {
    if (packed) {
      return { batch, packed: values };
    }
    const full = { prompts: batch.prompts, active: batch.prompts.map(() => all) };
    return { batch: full, packed: widened(base.hook(layer), batch, values, full, length) };
  };

  /** Those of the positions that go on. */
  const entering = (layer: number, hook: string, given: Travel): Travel => {
    const full = filled(hook, given);
    const batch = onwards(layer, full.batch);
    return batch === full.batch
      ? full
      : { batch, packed: widened(base.hook(hook), full.batch, full.packed, batch, length) };
  };

  const untouchedMid = (layer: number, batch: Batch): Float32Array =>
    gatherTokens(base.hook(hooks.of(layer, 'hook_resid_mid')), batch, length);

  const cross = createCross({ hooks, base, tokenwise, whole });

  const chain: Chain = {
    fromStream: async (layer, given) => {
      const travel = filled(hooks.stream(layer), given);
      if (layer === hooks.layers || tokenCount(travel.batch) === 0) {
        return travel;
      }
      const found = await tokenwise('project', layer, travel.batch, [[hooks.stream(layer), travel.packed]]);
      const [q, k, v] = PARTS.map((name, at) => {
        const own = { batch: travel.batch, packed: found[at] };
        return parts.fixed ? parts.fixed(layer, name, own) : own.packed;
      });
      const z = await attended(layer, travel.batch, { q, k, v });
      return behindAttention(layer, travel.batch, z, travel);
    },
    fromHeads: async (layer, batch, changes) => {
      const z = await attended(layer, batch, changes);
      return behindAttention(layer, batch, z, untouched(layer, batch));
    },
    fromPattern: async (layer, batch, patterns) => {
      const z = await whole('mix', layer, batch, [patterns, gridValues(layer, 'v', batch, {})]);
      return chain.fromZ(layer, headsOf(layer, batch, z));
    },
    fromZ: async (layer, given) => {
      const whole = filled(part(layer, 'z'), given);
      const next = onwards(layer, whole.batch);
      const z = widened(base.hook(part(layer, 'z')), whole.batch, whole.packed, next, length);
      return afterHeads(layer, { batch: next, packed: z }, untouched(layer, next).packed);
    },
    fromMid: async (layer, given) => {
      if (!hooks.hasMid(layer)) {
        return chain.fromPost(layer, given);
      }
      if (!hooks.hasCross(layer)) {
        return chain.fromBeforeMlp(layer, given);
      }
      const travel = entering(layer, hooks.of(layer, 'hook_resid_mid'), given);
      return tokenCount(travel.batch) === 0 ? travel : chain.fromBeforeMlp(layer, await cross.through(layer, travel));
    },
    fromCrossQueries: async (layer, given) => {
      const travel = entering(layer, hooks.of(layer, 'cross_attn.hook_q'), given);
      return tokenCount(travel.batch) === 0
        ? travel
        : chain.fromBeforeMlp(layer, await cross.fromQueries(layer, travel, untouchedMid(layer, travel.batch)));
    },
    fromCrossPattern: async (layer, batch, patterns) =>
      chain.fromCrossZ(layer, await cross.fromPattern(layer, batch, patterns)),
    fromCrossZ: async (layer, given) => {
      const travel = entering(layer, hooks.of(layer, 'cross_attn.hook_z'), given);
      return tokenCount(travel.batch) === 0
        ? travel
        : chain.fromBeforeMlp(layer, await cross.fromZ(layer, travel, untouchedMid(layer, travel.batch)));
    },
    fromBeforeMlp: async (layer, given) => {
      const travel = entering(layer, hooks.beforeMlp(layer), given);
      return tokenCount(travel.batch) === 0
        ? travel
        : chain.fromStream(layer + 1, { batch: travel.batch, packed: await throughMlp(layer, travel) });
    },
    fromPost: async (layer, given) => {
      const batch = given.batch;
      if (tokenCount(batch) === 0) {
        return given;
      }
      await parts.step();
      const { token } = base.hook(hooks.stream(layer + 1));
      const values = { dims: [1, tokenCount(batch), ...token], data: given.packed };
      const context = packed ? await units.tokenContext(tokenCount(batch)) : {};
      const [{ data }] = await units.run('renorm', layer, [values], units.sizes(1, tokenCount(batch)), context);
      return chain.fromStream(layer + 1, { batch, packed: data });
    }
  };
  return chain;
};
