import type { Anatomy, Tower } from '../../anatomy/anatomy';
import type { PieceEnd } from '../../surgery/cut-piece';
import type { GraphFlow } from '../../surgery/graph-flow';
import { servedHook } from '../hook-names';

/** The parts of a block that are run by themselves. */
export type PieceKind =
  'project' | 'attend' | 'mix' | 'output' | 'mlp' | 'rejoin' | 'renorm' | 'last' | `cross-${CrossPiece}`;

/** Of the attention to another tower's states. */
type CrossPiece = 'project' | 'attend' | 'mix' | 'output' | 'rejoin';

/** Hooks of one tower by the names of the sweeps. */
export interface TowerHooks {
  readonly layers: number;
  /** The block has a stream between its attention and its MLP. */
  hasMid(layer: number): boolean;
  /** The block attends to another tower's states as well. */
  hasCross(layer: number): boolean;
  /** The stream that the MLP reads, where the block has one between its parts. */
  beforeMlp(layer: number): string;
  /** The block's MLP is a mixture of experts: a traced one runs only on tokens that meet every expert. */
  isMixture(layer: number): boolean;
  /** What enters block `layer`; behind the last block, what the unembedding takes. */
  stream(layer: number): string;
  of(layer: number, hook: string): string;
}

/** Of the names of a tower's hooks. */
export const towerPrefix = ({ towers }: Pick<Anatomy, 'towers'>, { name }: Tower): string =>
  towers.length > 1 ? `${name}.` : '';

export const towerHooks = (anatomy: Anatomy, tower: Tower): TowerHooks => {
  const prefix = towerPrefix(anatomy, tower);
  const of = (layer: number, hook: string): string => `${prefix}blocks.${layer}.${hook}`;
  const { blocks, head } = tower;
  return {
    layers: blocks.length,
    hasMid: layer => blocks[layer].residMid !== undefined,
    hasCross: layer => blocks[layer].cross !== undefined,
    beforeMlp: layer => of(layer, blocks[layer].cross ? 'hook_resid_mid_cross' : 'hook_resid_mid'),
    isMixture: layer => blocks[layer].mlp !== undefined && !blocks[layer].mlp.in && !blocks[layer].mlp.out,
    stream: layer => (layer < blocks.length ? of(layer, 'hook_resid_pre') : `${prefix}${head!.hook}`),
    of
  };
};

/** Hooks that a piece takes and gives. */
export const pieceEnds = (
  hooks: TowerHooks,
  kind: PieceKind,
  layer: number
): { readonly inputs: readonly string[]; readonly outputs: readonly string[] } => {
  const [stream, next] = [hooks.stream(layer), hooks.stream(layer + 1)];
  const attention = (name: string): string[] =>
    ['q', 'k', 'v', 'z', 'pattern'].map(part => hooks.of(layer, `${name}.hook_${part}`));
  const [q, k, v, z, pattern] = attention('attn');
  const [crossQ, crossK, crossV, crossZ, crossPattern] = attention('cross_attn');
  const mid = hooks.of(layer, 'hook_resid_mid');
  const before = hooks.beforeMlp(layer);
  const ends: Readonly<Record<PieceKind, readonly [readonly string[], readonly string[]]>> = {
    project: [[stream], [q, k, v]],
    attend: [[q, k, v], [z]],
    mix: [[pattern, v], [z]],
    output: [[z, stream], [hooks.hasMid(layer) ? mid : next]],
    'cross-project': [[mid], [crossQ]],
    'cross-attend': [[crossQ, crossK, crossV], [crossZ]],
    'cross-mix': [[crossPattern, crossV], [crossZ]],
    'cross-output': [[crossZ, mid], [before]],
    'cross-rejoin': [[mid, hooks.of(layer, 'hook_cross_attn_out')], [before]],
    mlp: [[before], [next]],
    rejoin: [[before, hooks.of(layer, 'hook_mlp_out')], [next]],
    renorm: [[hooks.of(layer, 'hook_resid_post')], [next]],
    last: [[next], [LAST]]
  };
  const [inputs, outputs] = ends[kind];
  return { inputs, outputs };
};

/** What the unembedding multiplies: no hook, a tensor of the tower's head. */
const LAST = 'unembed.input';

/** Where the graph is cut for a hook. Streams are cut where their values are made, before copies of them. */
export const pieceEnd = (anatomy: Anatomy, tower: Tower, flow: GraphFlow, name: string): PieceEnd => {
  if (name === LAST) {
    return { name, source: { tensor: tower.head!.unembed.input, steps: [] }, rank: 0 };
  }
  const { source, dims } = servedHook(anatomy, name, true);
  const plain = source.steps.length === 0 && dims.length === 3;
  return { name, source: plain ? { ...source, tensor: flow.origin(source.tensor) } : source, rank: dims.length };
};
