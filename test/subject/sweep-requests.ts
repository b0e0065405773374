import type { Subject } from '../../src/subject/subject';
import type { Patch, Path, Readout, SweepResult } from '../../src/subject/sweep';

export const LENGTH = 6;
export const PROMPTS = 2;

export const rows = (seed: number, vocabulary: number): number[][] =>
  Array.from({ length: PROMPTS }, (_, prompt) =>
    Array.from({ length: LENGTH }, (_, at) => (seed + 7 * prompt + 5 * at * (prompt + 1)) % vocabulary)
  );

export const readout: Readout = {
  positions: [[LENGTH - 1], [LENGTH - 1, 2]],
  columns: [
    [1, 2],
    [3, 0]
  ],
  value: logits => logits.reduce((sum, value, at) => sum + (at % 2 ? -value : value), 0)
};
export const everything: Readout = {
  positions: [[LENGTH - 1], [3]],
  value: logits => logits[4] - Math.max(...logits)
};

const STREAMS = ['resid_pre', 'resid_mid', 'resid_post', 'attn_out', 'mlp_out'];
const ATTENTION = ['q', 'k', 'v', 'z', 'pattern'];
/** Keys and values are of the encoder's positions. */
const CROSS = ['q', 'z', 'pattern'];

const prefixOf = ({ anatomy, tower }: Subject): string => (anatomy.towers.length > 1 ? `${tower.name}.` : '');

/** All hooks by head and position, head, position: every third or rarer, so that each kind and layer is met. */
export const patchesOf = (subject: Subject, every = 3): readonly Patch[] => {
  const { layers, heads, kvHeads } = subject.tower;
  const verified = new Set(subject.anatomy.hooks.filter(hook => hook.status === 'verified').map(({ name }) => name));
  const prefix = prefixOf(subject);
  const all = Array.from({ length: layers }, (_, layer) => [
    ...[...STREAMS, 'cross_attn_out', 'resid_mid_cross'].flatMap(name => {
      const hook = `${prefix}blocks.${layer}.hook_${name}`;
      return [{ hook }, ...Array.from({ length: LENGTH }, (_, pos) => ({ hook, pos: [pos] }))];
    }),
    ...[...ATTENTION.map(name => `attn.hook_${name}`), ...CROSS.map(name => `cross_attn.hook_${name}`)].flatMap(
      name => {
        const hook = `${prefix}blocks.${layer}.${name}`;
        const count = /_[kv]$/.test(name) ? kvHeads : heads;
        return [
          { hook },
          ...Array.from({ length: count }, (_, head) => [
            { hook, heads: [head] },
            ...Array.from({ length: LENGTH }, (_, pos) => ({ hook, heads: [head], pos: [pos] }))
          ]).flat()
        ];
      }
    )
  ]).flat();
  return all.filter(({ hook }) => verified.has(hook)).filter((_, at) => at % every === 0);
};

/** Senders of all kinds to queries, keys and values of every later layer, and to the logits. */
export const pathsOf = (subject: Subject, every = 1): readonly Path[] => {
  const { tower, anatomy } = subject;
  const prefix = prefixOf(subject);
  const block = (layer: number): string => `${prefix}blocks.${layer}`;
  const verified = new Set(anatomy.hooks.filter(hook => hook.status === 'verified').map(({ name }) => name));
  const layers = Array.from({ length: tower.layers }, (_, layer) => layer);
  const senders = [
    { sender: { hook: `${prefix}hook_embed` }, from: -1 },
    ...layers.flatMap(layer => [
      { sender: { hook: `${block(layer)}.hook_mlp_out` }, from: layer },
      { sender: { hook: `${block(layer)}.attn.hook_z`, heads: [layer % tower.heads] }, from: layer },
      { sender: { hook: `${block(layer)}.attn.hook_z`, heads: [1], pos: [1] }, from: layer },
      { sender: { hook: `${block(layer)}.cross_attn.hook_z`, heads: [0] }, from: layer }
    ])
  ].filter(({ sender }) => verified.has(sender.hook));
  const paths: readonly Path[] = senders.flatMap(({ sender, from }) => [
    { sender, receivers: 'logits' as const },
    ...layers
      .filter(layer => layer > from)
      .flatMap(layer => [
        { sender, receivers: [{ hook: `${block(layer)}.attn.hook_q`, heads: [0] }] },
        { sender, receivers: [{ hook: `${block(layer)}.attn.hook_k`, pos: [1, 2] }] },
        { sender, receivers: ['q', 'k', 'v'].map(name => ({ hook: `${block(layer)}.attn.hook_${name}` })) }
      ]),
    ...(from < layers.length - 2
      ? [
          { sender, receivers: layers.slice(from + 1).map(layer => ({ hook: `${block(layer)}.attn.hook_v` })) },
          {
            sender,
            receivers: layers.slice(from + 1).flatMap(layer => [
              { hook: `${block(layer)}.attn.hook_q`, heads: [1], pos: [3, 5] },
              { hook: `${block(layer)}.attn.hook_k`, heads: [0] }
            ])
          }
        ]
      : [])
  ]);
  return paths
    .filter(({ receivers }) => receivers === 'logits' || receivers.every(({ hook }) => verified.has(hook)))
    .filter((_, at) => at % every === 0);
};

/** Largest difference of two sweeps relative to the largest effect. */
export const difference = (a: SweepResult, b: SweepResult): { largest: number; off: number; at: number } => {
  const largest = b.values.reduce((most, value, at) => Math.max(most, Math.abs(value - b.base[at % PROMPTS])), 0);
  const off = a.values.map((value, at) => Math.abs(value - b.values[at]) / largest);
  const at = off.indexOf(Math.max(...off));
  return { largest, off: off[at], at };
};
