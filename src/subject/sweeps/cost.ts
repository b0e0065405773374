import type { Tower } from '../../anatomy/anatomy';
import type { PathSweepRequest, Patch, SweepRequest, SweepTotals } from '../sweep';
import { changedPositions, commonPrefix } from './common-prefix';
import { entryOf } from './entries';
import { MOST } from './pace';
import { layerOf } from './whole-paths';

/** What the arithmetic of one tower costs: floating-point operations of matrix products. */
interface Prices {
  /** Of a token: queries, keys and values; the attention's output; the MLP. */
  readonly project: number;
  readonly output: number;
  readonly mlp: number;
  /** Of a row's attention. */
  readonly attend: (length: number) => number;
  /** Of a token's cross-attention: queries, the states of the other tower, the output. */
  readonly cross: number;
}

const pricesOf = ({ dModel, heads, kvHeads, dHead, dMlp, mlp, states }: Tower, source = 0): Prices => ({
  project: 2 * dModel * (heads + 2 * kvHeads) * dHead,
  output: 2 * heads * dHead * dModel,
  mlp: dMlp === null ? 0 : 2 * dModel * dMlp * (mlp === 'gated' ? 3 : 2),
  attend: length => 4 * length * length * heads * dHead,
  cross: states === undefined ? 0 : 4 * dModel * heads * dHead + 4 * source * heads * dHead
});

/** Of the whole model on one row. */
export const forwardOperations = (tower: Tower, length: number, source: number): number => {
  const { project, output, mlp, attend, cross } = pricesOf(tower, source);
  const unembed = 2 * tower.dModel * (tower.dVocab ?? 0);
  return length * (tower.layers * (project + output + mlp + cross) + unembed) + tower.layers * attend(length);
};

/** Of a run of a piece before one was measured: 300 ms of one WebAssembly thread, which did 28 billion a second. */
const PIECE_OPERATIONS = 8e9;

/** Tokens that a run of one of the model's pieces takes before one was measured; a row that is longer runs by itself. */
export const firstTokens = (tower: Tower): number => {
  const { project, output, mlp } = pricesOf(tower);
  return Math.max(1, Math.min(MOST.tokens, Math.floor(PIECE_OPERATIONS / Math.max(project, output, mlp))));
};

/** How a model is cut. */
export interface Cut {
  /** Bytes of the weights that pieces would hold once more. */
  readonly session: number;
  /** Tokens travel one after the other, so that those before a patch are left out of a causal model. */
  readonly packed: boolean;
  /** Positions of the other tower's states that a cross-attention reads. */
  readonly source: number;
}

/** Of the exact way. */
export const exactCost = (tower: Tower, request: SweepRequest, { session, packed, source }: Cut): SweepTotals => {
  const { base, patches, readout } = request;
  const prefixes = base.map((_, prompt) => commonPrefix(tower, request, prompt));
  const ofRow = (patch: Patch, prompt: number): number => {
    const { length } = base[prompt];
    const pos = changedPositions(patch.pos, length, prefixes[prompt]);
    return rowOperations(tower, { packed, source }, { hook: patch.hook, pos }, length, readout.positions[prompt]);
  };
  return {
    forwards: patches.length * base.length,
    operations: patches.reduce((sum, patch) => base.reduce((own, _, prompt) => own + ofRow(patch, prompt), sum), 0),
    bytes: runBytes(tower, packed, request, patches),
    session,
    method: tower.causal && packed ? 'positions' : 'layers'
  };
};

/** A path costs its sender's output (post-norm: every attention's output up to the receivers), its receivers' projections, and what a patch of those does. */
export const exactPathCost = (
  tower: Tower,
  request: PathSweepRequest,
  { session, packed, source }: Cut
): SweepTotals => {
  const { base, paths, readout } = request;
  const prices = pricesOf(tower);
  const prefixes = base.map((_, prompt) => commonPrefix(tower, request, prompt));
  const operations = paths.flatMap(({ sender, receivers }) =>
    base.map((ids, prompt) => {
      const pos = changedPositions(sender.pos, ids.length, prefixes[prompt]);
      if (pos.length === 0 || (tower.causal && readout.positions[prompt].every(position => position < pos[0]))) {
        return 0;
      }
      const tokens = packed ? pos.length : ids.length;
      const layers = receivers === 'logits' ? [tower.layers] : [...new Set(receivers.map(({ hook }) => layerOf(hook)))];
      const from = sender.hook.endsWith('hook_z') ? layerOf(sender.hook) : layerOf(sender.hook) + 1;
      const through = tower.norm.placement === 'post' || !packed ? Math.max(...layers) : layerOf(sender.hook) + 1;
      const sent = Math.max(0, through - from) * tokens * prices.output;
      if (receivers === 'logits') {
        return sent;
      }
      const first = receivers.find(({ hook }) => layerOf(hook) === Math.min(...layers))!;
      const behind = rowOperations(
        tower,
        { packed, source },
        { hook: first.hook, pos },
        ids.length,
        readout.positions[prompt]
      );
      return sent + layers.length * tokens * prices.project + behind;
    })
  );
  return {
    forwards: 2 * paths.length * base.length,
    operations: operations.reduce((sum, value) => sum + value, 0),
    bytes: runBytes(
      tower,
      packed,
      request,
      paths.map(({ sender }) => sender)
    ),
    session,
    method: tower.causal && packed ? 'positions' : 'layers'
  };
};

/** Follows one row through the blocks, as the chain does: the positions that differ, and in the last block those of them that are read. */
const rowOperations = (
  tower: Tower,
  { packed, source }: Pick<Cut, 'packed' | 'source'>,
  { hook, pos }: { readonly hook: string; readonly pos: readonly number[] },
  length: number,
  read: readonly number[]
): number => {
  const prices = pricesOf(tower, source);
  const [start] = pos;
  const readBehind = read.filter(position => position >= start).length;
  if (pos.length === 0 || (tower.causal && readBehind === 0)) {
    return 0;
  }
  const all = { tokens: length, read: read.length };
  const behind = tower.causal && packed ? { tokens: length - start, read: readBehind } : all;
  const stage = stageOf(hook);
  let total = 0;
  let active = packed ? { tokens: pos.length, read: read.filter(position => pos.includes(position)).length } : all;
  for (let layer = layerOf(hook) + (stage === 'after' ? 1 : 0); layer < tower.layers; layer++) {
    const first = layer === layerOf(hook);
    if (!first || stage === 'stream') {
      total += active.tokens * prices.project;
    }
    if (!first || stage === 'stream' || stage === 'heads') {
      total += prices.attend(length);
      active = behind;
    }
    const tokens = packed && layer === tower.layers - 1 ? active.read : active.tokens;
    const behindOutput = first && (stage === 'mid' || stage === 'cross');
    const behindCross = first && stage === 'cross';
    total += tokens * (prices.mlp + (behindOutput ? 0 : prices.output) + (behindCross ? 0 : prices.cross));
  }
  return total;
};

type Stage = 'stream' | 'heads' | 'z' | 'mid' | 'cross' | 'after';

const STAGES: Readonly<Record<string, Stage>> = {
  hook_resid_pre: 'stream',
  hook_q: 'heads',
  hook_k: 'heads',
  hook_v: 'heads',
  hook_pattern: 'heads',
  hook_z: 'z',
  hook_attn_out: 'mid',
  hook_resid_mid: 'mid',
  hook_resid_mid_cross: 'cross',
  hook_cross_attn_out: 'cross',
  hook_mlp_out: 'after',
  hook_resid_post: 'after'
};

const stageOf = (hook: string): Stage =>
  hook.includes('.cross_attn.') ? 'mid' : (STAGES[hook.split('.').at(-1)!] ?? 'stream');

/** What the base run and the source's keep, and what one chunk of rows takes on its way, here and in the runtime. */
const runBytes = (
  tower: Tower,
  packed: boolean,
  { base, source, readout }: Pick<SweepRequest, 'base' | 'source' | 'readout'>,
  patches: readonly Patch[]
): number => {
  const { layers, dModel, heads, kvHeads, dHead, dMlp, dVocab, causal } = tower;
  const length = base[0]?.length ?? 0;
  const tokens = base.length * length;
  const token = layers * (2 * dModel + 2 * (heads + kvHeads) * dHead) + dModel;
  const hooks = [...new Set(patches.map(({ hook }) => hook))];
  const patched = hooks.reduce((sum, hook) => sum + hookWidth(tower, hook, length), 0);
  const own = tokens * (token + patched + (dVocab ?? 0));
  const other = source.kind === 'run' ? tokens * (patched + (dVocab ?? 0)) : 0;
  const spread = patches.reduce(
    (sum, { pos }) => sum + (pos && causal && packed ? length - Math.min(...pos) : length),
    0
  );
  const reach = Math.max(1, spread / Math.max(1, patches.length));
  const rows = Math.max(
    1,
    Math.min(MOST.tokens / reach, MOST.grid / Math.max(1, length), patches.length * base.length)
  );
  const attention = rows * length * (2 * (heads + kvHeads) * dHead + 3 * heads * length);
  const tokenwise = rows * reach * (3 * (dMlp ?? 0) + 4 * dModel);
  const read = readout.columns ? 0 : rows * (dVocab ?? 0);
  // A run's chunks are joined when all are there: for a moment it is held twice.
  return 4 * Math.max(2 * own, own + 2 * other, own + other + attention + tokenwise + read);
};

/** Numbers of a token. */
const hookWidth = ({ dModel, heads, dHead }: Tower, hook: string, length: number): number =>
  hook.endsWith('hook_pattern') ? heads * length : hook.includes('.attn.') ? heads * dHead : dModel;

/** Patches of other hooks, and of other towers', are made by whole forwards. `prefix`: of the tower's hooks. */
export const isExact = (patches: readonly Patch[], prefix: string): boolean =>
  patches.every(({ hook }) => hook.startsWith(prefix) && entryOf(hook) !== undefined);
