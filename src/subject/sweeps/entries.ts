import type { Tensor } from '../../onnx/tensor';
import type { Patch } from '../sweep';
import type { BaseRun } from './base-run';
import type { Chain, Travel } from './chain';
import { gatherTokens, stored, type Batch, type Stored } from './stored';
import type { Units } from './units';

/** A patch of one prompt. */
export interface PatchRow {
  readonly patch: Patch;
  readonly index: number;
  readonly prompt: number;
}

/** What entries read: the run that is changed, and what is put there (absent: zeros). */
export interface EntryParts {
  readonly units: Units;
  readonly base: BaseRun;
  readonly chain: Chain;
  readonly source: (hook: string) => Tensor | undefined;
}

type Enter = (
  parts: EntryParts,
  layer: number,
  hook: string,
  batch: Batch,
  rows: readonly PatchRow[]
) => Promise<Travel>;

/** Where a patch of a hook enters the chain of blocks, in the order of a block's computation. */
const ENTRIES: readonly { readonly end: string; readonly enter: Enter }[] = [
  { end: 'hook_resid_pre', enter: (p, l, hook, batch, rows) => p.chain.fromStream(l, changed(p, hook, batch, rows)) },
  { end: 'attn.hook_q', enter: heads('q') },
  { end: 'attn.hook_k', enter: heads('k') },
  { end: 'attn.hook_v', enter: heads('v') },
  {
    end: 'attn.hook_pattern',
    enter: (p, l, hook, batch, rows) => p.chain.fromPattern(l, batch, patterns(p, hook, rows))
  },
  { end: 'attn.hook_z', enter: (p, l, hook, batch, rows) => p.chain.fromZ(l, changed(p, hook, batch, rows)) },
  {
    end: 'hook_attn_out',
    enter: (p, l, hook, batch, rows) =>
      p.units.hooks.hasMid(l)
        ? p.chain.fromMid(l, added(p, hook, p.units.hooks.of(l, 'hook_resid_mid'), batch, rows))
        : p.chain.fromStream(l + 1, added(p, hook, p.units.hooks.stream(l + 1), batch, rows))
  },
  { end: 'hook_resid_mid', enter: (p, l, hook, batch, rows) => p.chain.fromMid(l, changed(p, hook, batch, rows)) },
  {
    end: 'cross_attn.hook_q',
    enter: (p, l, hook, batch, rows) => p.chain.fromCrossQueries(l, changed(p, hook, batch, rows))
  },
  {
    end: 'cross_attn.hook_pattern',
    enter: (p, l, hook, batch, rows) => p.chain.fromCrossPattern(l, batch, patterns(p, hook, rows))
  },
  {
    end: 'cross_attn.hook_z',
    enter: (p, l, hook, batch, rows) => p.chain.fromCrossZ(l, changed(p, hook, batch, rows))
  },
  {
    end: 'hook_cross_attn_out',
    enter: (p, l, hook, batch, rows) =>
      p.chain.fromBeforeMlp(l, added(p, hook, p.units.hooks.beforeMlp(l), batch, rows))
  },
  {
    end: 'hook_resid_mid_cross',
    enter: (p, l, hook, batch, rows) => p.chain.fromBeforeMlp(l, changed(p, hook, batch, rows))
  },
  { end: 'hook_mlp_out', enter: (p, l, hook, batch, rows) => post(p, l, added(p, hook, postOf(p, l), batch, rows)) },
  { end: 'hook_resid_post', enter: (p, l, hook, batch, rows) => post(p, l, changed(p, hook, batch, rows)) }
];

/** Late entries first: the cheapest, and a usable part of the picture at once. Undefined for a hook that no entry is for. */
export const entryOf = (
  hook: string
): { readonly enter: Enter; readonly layer: number; readonly order: number } | undefined => {
  const stage = ENTRIES.findIndex(({ end }) => hook.endsWith(`.${end}`));
  const layer = /(?:^|\.)blocks\.(\d+)\./.exec(hook)?.[1];
  return stage < 0 || layer === undefined
    ? undefined
    : { enter: ENTRIES[stage].enter, layer: Number(layer), order: Number(layer) * ENTRIES.length + stage };
};

/** Hooks of the base run that patches of `hook` are made from, besides the chain's own. */
export const entryHooks = (units: Units, hook: string): readonly string[] => {
  const layer = entryOf(hook)!.layer;
  return hook.endsWith('hook_mlp_out') || hook.endsWith('hook_resid_post') ? [hook, postOf({ units }, layer)] : [hook];
};

const postOf = ({ units }: Pick<EntryParts, 'units'>, layer: number): string =>
  units.continues(layer) ? units.hooks.stream(layer + 1) : units.hooks.of(layer, 'hook_resid_post');

const post = ({ units, chain }: EntryParts, layer: number, travel: Travel): Promise<Travel> =>
  units.continues(layer) ? chain.fromStream(layer + 1, travel) : chain.fromPost(layer, travel);

function heads(part: 'q' | 'k' | 'v'): Enter {
  return (parts, layer, hook, batch, rows) =>
    parts.chain.fromHeads(layer, batch, { [part]: changed(parts, hook, batch, rows).packed });
}

/** The hook's values at the active tokens, with the patches' heads from the source. */
export const changed = (parts: EntryParts, hook: string, batch: Batch, rows: readonly PatchRow[]): Travel => {
  const base = parts.base.hook(hook);
  const packed = gatherTokens(base, batch, parts.base.length);
  eachToken(parts, hook, batch, rows, base, (at, from, source, start, end) => {
    for (let i = start; i < end; i++) {
      packed[at + i] = source === undefined ? 0 : source[from + i];
    }
  });
  return { batch, packed };
};

/** The values of `target`, to which the hook is added, with the hook's change on top. */
const added = (parts: EntryParts, hook: string, target: string, batch: Batch, rows: readonly PatchRow[]): Travel => {
  const base = parts.base.hook(hook);
  const packed = gatherTokens(parts.base.hook(target), batch, parts.base.length);
  const before = gatherTokens(base, batch, parts.base.length);
  eachToken(parts, hook, batch, rows, base, (at, from, source, start, end) => {
    for (let i = start; i < end; i++) {
      packed[at + i] += (source === undefined ? 0 : source[from + i]) - before[at + i];
    }
  });
  return { batch, packed };
};

type Visit = (at: number, from: number, source: Float32Array | undefined, start: number, end: number) => void;

/** Calls `visit` for each stretch of numbers that a patch changes: its place among the packed, and in the source's data. */
const eachToken = (
  { source, base }: EntryParts,
  hook: string,
  { active }: Batch,
  rows: readonly PatchRow[],
  { token, width }: Stored,
  visit: Visit
): void => {
  const tensor = source(hook);
  const from = tensor && stored(tensor, base.ids.length).data;
  const size = width / (token.length > 1 ? token[0] : 1);
  let at = 0;
  rows.forEach(({ patch, prompt }, row) =>
    active[row].forEach(position => {
      const place = (prompt * base.length + position) * width;
      const chosen = token.length > 1 ? patch.heads : undefined;
      (chosen ?? [undefined]).forEach(head =>
        visit(at, place, from, (head ?? 0) * size, head === undefined ? width : (head + 1) * size)
      );
      at += width;
    })
  );
};

/** The rows' patterns [row, head, query, key], the chosen heads' and queries' from the source. */
const patterns = (
  { base, source }: EntryParts,
  hook: string,
  rows: readonly PatchRow[]
): { dims: readonly number[]; data: Float32Array } => {
  const tensor = base.tensor(hook);
  const [, count, length, keys] = tensor.dims;
  const size = count * length * keys;
  const other = source(hook);
  const data = new Float32Array(rows.length * size);
  const rowOf = ({ dims, data: all }: Tensor, prompt: number): Float32Array => {
    const at = dims[0] === 1 ? 0 : prompt * size;
    return (all as Float32Array).subarray(at, at + size);
  };
  rows.forEach(({ patch, prompt }, row) => {
    const own = data.subarray(row * size, (row + 1) * size);
    own.set(rowOf(tensor, prompt));
    for (const head of patch.heads ?? Array.from({ length: count }, (_, i) => i)) {
      for (const query of patch.pos ?? Array.from({ length }, (_, i) => i)) {
        const [start, end] = [(head * length + query) * keys, (head * length + query + 1) * keys];
        own.set(other ? rowOf(other, prompt).subarray(start, end) : new Float32Array(keys), start);
      }
    }
  });
  return { dims: [rows.length, count, length, keys], data };
};
