import type { Tower } from '../../anatomy/anatomy';
import type { PathSweepRequest, Patch, SweepCost, SweepRequest } from '../sweep';
import { entryOf } from './entries';
import { layerOf } from './whole-paths';

/** What the arithmetic of one tower costs: floating-point operations of matrix products. */
interface Prices {
  /** Of a token: queries, keys and values; the attention's output; the MLP. */
  readonly project: number;
  readonly output: number;
  readonly mlp: number;
  /** Of a row's attention. */
  readonly attend: (length: number) => number;
}

const pricesOf = ({ dModel, heads, kvHeads, dHead, dMlp, mlp }: Tower): Prices => ({
  project: 2 * dModel * (heads + 2 * kvHeads) * dHead,
  output: 2 * heads * dHead * dModel,
  mlp: dMlp === null ? 0 : 2 * dModel * dMlp * (mlp === 'gated' ? 3 : 2),
  attend: length => 4 * length * length * heads * dHead
});

/** Tokens of a run of a piece at most, where it is small enough, and tokens of whole rows. */
const CHUNK_TOKENS = 384;
export const CHUNK_GRID = 4096;
/** Of a run of a piece at most: 300 ms of one WebAssembly thread, which did 28 billion a second; a cancel is heard only between runs. */
const PIECE_OPERATIONS = 8e9;

/** Tokens that a run of one of the model's pieces takes at most; a row that is longer runs by itself. */
export const chunkTokens = (tower: Tower): number => {
  const { project, output, mlp } = pricesOf(tower);
  return Math.max(1, Math.min(CHUNK_TOKENS, Math.floor(PIECE_OPERATIONS / Math.max(project, output, mlp))));
};

/** Of the exact way; `weightBytes`: of the blocks' matrices, which the pieces hold once more. */
export const exactCost = (tower: Tower, request: SweepRequest, weightBytes: number): SweepCost => {
  const { base, patches, readout } = request;
  const rows = patches.flatMap(patch =>
    base.map((ids, prompt) => rowOperations(tower, patch, ids.length, readout.positions[prompt]))
  );
  return {
    forwards: patches.length * base.length,
    operations: rows.reduce((sum, operations) => sum + operations, 0),
    bytes: bytesOf(tower, base, patches, weightBytes),
    method: tower.causal ? 'positions' : 'layers'
  };
};

/** A path costs its sender's output, its receivers' projections, and what a patch of those does. */
export const exactPathCost = (tower: Tower, request: PathSweepRequest, weightBytes: number): SweepCost => {
  const { base, paths, readout } = request;
  const prices = pricesOf(tower);
  const operations = paths.flatMap(({ sender, receivers }) =>
    base.map((ids, prompt) => {
      const tokens = sender.pos?.length ?? ids.length;
      const own = sender.hook.endsWith('hook_z') ? tokens * prices.output : 0;
      if (receivers === 'logits') {
        return own;
      }
      const patch: Patch = { ...receivers[0], ...(sender.pos && { pos: sender.pos }) };
      return own + tokens * prices.project + rowOperations(tower, patch, ids.length, readout.positions[prompt]);
    })
  );
  return {
    forwards: 2 * paths.length * base.length,
    operations: operations.reduce((sum, value) => sum + value, 0),
    bytes: bytesOf(
      tower,
      base,
      paths.map(({ sender }) => sender),
      weightBytes
    ),
    method: tower.causal ? 'positions' : 'layers'
  };
};

/** Follows one row through the blocks, as the chain does. */
const rowOperations = (tower: Tower, { hook, pos }: Patch, length: number, read: readonly number[]): number => {
  const prices = pricesOf(tower);
  const all = Array.from({ length }, (_, at) => at);
  const start = pos ? Math.min(...pos) : 0;
  if (tower.causal && read.every(position => position < start)) {
    return 0;
  }
  const behind = tower.causal ? length - start : length;
  const reached = (tower.causal ? all.slice(start) : all).filter(position => read.includes(position)).length;
  const onward = (layer: number, tokens: number): number => (layer === tower.layers - 1 ? reached : tokens);
  const stage = stageOf(hook);
  let total = 0;
  let tokens = pos?.length ?? length;
  for (let layer = layerOf(hook) + (stage === 'after' ? 1 : 0); layer < tower.layers; layer++) {
    const first = layer === layerOf(hook);
    if (!first || stage === 'stream') {
      total += tokens * prices.project;
    }
    if (!first || stage === 'stream' || stage === 'heads') {
      total += prices.attend(length);
      tokens = behind;
    }
    tokens = onward(layer, tokens);
    total += first && stage === 'mid' ? 0 : tokens * prices.output;
    total += tokens * prices.mlp;
  }
  return total;
};

type Stage = 'stream' | 'heads' | 'z' | 'mid' | 'after';

const STAGES: Readonly<Record<string, Stage>> = {
  hook_resid_pre: 'stream',
  hook_q: 'heads',
  hook_k: 'heads',
  hook_v: 'heads',
  hook_pattern: 'heads',
  hook_z: 'z',
  hook_attn_out: 'mid',
  hook_resid_mid: 'mid',
  hook_mlp_out: 'after',
  hook_resid_post: 'after'
};

const stageOf = (hook: string): Stage => STAGES[hook.split('.').at(-1)!] ?? 'stream';

/** The runs' captured hooks, the source's, the grids of a chunk, and the pieces' weights. */
const bytesOf = (tower: Tower, base: SweepRequest['base'], patches: readonly Patch[], weightBytes: number): number => {
  const { layers, dModel, heads, kvHeads, dHead, dMlp, dVocab, causal } = tower;
  const most = chunkTokens(tower);
  const length = base[0]?.length ?? 0;
  const tokens = base.length * length;
  const spread = patches.reduce((sum, { pos }) => sum + (pos && causal ? length - Math.min(...pos) : length), 0);
  const rows = most / Math.max(1, spread / Math.max(1, patches.length));
  const token = layers * (2 * dModel + 2 * (heads + kvHeads) * dHead) + dModel;
  const hooks = new Set(patches.map(({ hook }) => hook)).size;
  const chunk =
    Math.min(CHUNK_GRID, rows * length) * (heads + 2 * kvHeads) * dHead + most * (3 * (dMlp ?? 0) + 4 * dModel);
  return 4 * (tokens * (token + hooks * dModel + 2 * (dVocab ?? 0)) + 2 * chunk) + weightBytes;
};

/** Patches of other hooks are made by whole forwards. */
export const isExact = (patches: readonly Patch[]): boolean => patches.every(({ hook }) => entryOf(hook) !== undefined);
