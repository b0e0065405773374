import type { Tower } from '../anatomy/anatomy';

/** What writes into the residual stream: the embedding, a head, an MLP. Names as in EAP-IG: 'input', 'a9.h9', 'm3'. */
export interface Sender {
  readonly name: string;
  readonly kind: 'input' | 'head' | 'mlp';
  readonly layer: number;
  readonly head: number;
}

/** What reads it: a head's queries, keys or values (key/value heads have their own number), an MLP, the final norm: 'a9.h9<q>', 'm3', 'logits'. */
export interface Receiver {
  readonly name: string;
  readonly kind: 'q' | 'k' | 'v' | 'mlp' | 'logits';
  readonly layer: number;
  readonly head: number;
  /** It reads what the first so many senders have written. */
  readonly senders: number;
}

const count = (n: number): readonly number[] => Array.from({ length: n }, (_, at) => at);

/** In the order in which they write. */
export const sendersOf = ({ blocks, heads }: Tower): readonly Sender[] => [
  { name: 'input', kind: 'input', layer: -1, head: 0 },
  ...blocks.flatMap(({ mlp }, layer): Sender[] => [
    ...count(heads).map((head): Sender => ({ name: `a${layer}.h${head}`, kind: 'head', layer, head })),
    ...(mlp ? [{ name: `m${layer}`, kind: 'mlp', layer, head: 0 } as const] : [])
  ])
];

/** In the order in which they read. In parallel blocks the MLP reads what the heads read. */
export const receiversOf = (tower: Tower): readonly Receiver[] => {
  const { blocks, heads, kvHeads, parallel } = tower;
  const senders = sendersOf(tower);
  const before = (layer: number, own: Sender['kind'][]): number =>
    senders.filter(sender => sender.layer < layer || (sender.layer === layer && own.includes(sender.kind))).length;
  const role = (kind: 'q' | 'k' | 'v', layer: number): readonly Receiver[] =>
    count(kind === 'q' ? heads : kvHeads).map(head => ({
      name: `a${layer}.h${head}<${kind}>`,
      kind,
      layer,
      head,
      senders: before(layer, [])
    }));
  return [
    ...blocks.flatMap(({ mlp }, layer): Receiver[] => [
      ...(['q', 'k', 'v'] as const).flatMap(kind => role(kind, layer)),
      ...(mlp
        ? [
            {
              name: `m${layer}`,
              kind: 'mlp',
              layer,
              head: 0,
              senders: before(layer, parallel ? [] : ['head'])
            } as const
          ]
        : [])
    ]),
    { name: 'logits', kind: 'logits', layer: blocks.length, head: 0, senders: senders.length }
  ];
};
