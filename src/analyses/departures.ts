import type { Tower } from '../anatomy/anatomy';
import type { Subject } from '../subject/subject';
import type { Analysis } from './analysis';
import { list, optional, text, type Check } from './check';
import type { Spec, SpecFields } from './spec/spec';

const hasMlps = ({ blocks }: Pick<Tower, 'blocks'>): boolean => blocks.some(({ mlp }) => mlp !== undefined);

/** What a theorem leaves out and this tower has, in words; undefined where it has none of it. */
const DEPARTURES = {
  skips: (tower: Tower) =>
    tower.parallel
      ? 'a skip connection around attention and MLP together'
      : `skip connections around attention${hasMlps(tower) ? ' and around MLPs' : ''}`,
  cross: ({ blocks }: Tower) =>
    blocks.some(({ cross }) => cross !== undefined) ? 'cross-attention to an encoder’s states' : undefined,
  mlps: ({ blocks, mlp }: Tower) => {
    const having = blocks.filter(block => block.mlp).length;
    return having > 0 ? `${mlp === 'gated' ? 'gated ' : ''}MLPs in ${having} of ${blocks.length} blocks` : undefined;
  },
  norms: ({ norm: { kind, placement }, ...tower }: Tower) =>
    kind === 'none'
      ? undefined
      : `${kind === 'rms' ? 'RMS' : 'layer'} norms ${{ pre: 'in front of', post: 'behind', sandwich: 'in front of and behind', none: 'around' }[placement]} attention${hasMlps(tower) ? ' and MLPs' : ''}`,
  mask: ({ causal }: Tower) => (causal ? 'a causal mask: the first token sees itself alone' : undefined),
  biases: ({ blocks }: Tower) =>
    blocks.some(({ attention: { q, k, v, o } }) => [q, k, v, o].some(({ bias }) => bias))
      ? 'biases in attention'
      : undefined,
  positions: ({ positional }: Tower) =>
    (
      ({
        rotary: 'queries and keys rotated by position',
        alibi: 'scores lowered by distance',
        relative: 'scores shifted by distance'
      }) as Partial<Record<Tower['positional'], string>>
    )[positional],
  heads: ({ heads, layers }: Tower) => (heads > 1 ? `${heads} heads in each of ${layers} layers` : undefined),
  groups: ({ heads, kvHeads }: Tower) =>
    kvHeads < heads ? `keys and values shared by ${heads / kvHeads} heads each` : undefined,
  softcap: ({ blocks }: Tower) =>
    blocks.some(({ attention }) => attention.softcap !== undefined) ? 'capped scores' : undefined,
  hard: () => 'softmax attention where hard attention is meant',
  softmax: () => 'softmax attention, which is not piecewise linear',
  activations: ({ blocks }: Tower) => {
    const kinds = new Set(blocks.flatMap(({ mlp }) => mlp?.activation ?? []));
    kinds.delete('relu');
    return kinds.size > 0 ? `gates of ${[...kinds].join(', ')} where ReLU is meant` : undefined;
  },
  tied: ({ embedding, head }: Tower) =>
    embedding?.weight !== undefined && head?.unembed.weight === embedding.weight
      ? 'an unembedding tied to the embedding'
      : undefined
} satisfies Readonly<Record<string, (tower: Tower) => string | undefined>>;

export type Departure = keyof typeof DEPARTURES;

/** The assumptions of a theorem that this model breaks, read off its anatomy. */
export const departures = ({ tower }: Pick<Subject, 'tower'>, names: readonly Departure[]): string[] =>
  names.flatMap(name => DEPARTURES[name](tower) ?? []);

/** In a saved result; absent in those of older versions. */
export interface Stated {
  readonly breaks?: readonly string[] | undefined;
}

const checkBreaks: Check<Stated['breaks']> = optional(list(text, 24));

/**
 * The analysis with a list, in its result, its first caption and its summary, of what this model has and the theorem leaves out, and of what the
 * input strains besides. `view`: the tower that a spec means, whatever it reads.
 */
export function stating<F extends SpecFields, R extends object>(
  inner: Analysis<F, R>,
  assumes: readonly Departure[],
  strains: (subject: Subject, result: R, spec: Spec<NoInfer<F>>) => readonly string[] = () => [],
  view: (opened: Subject, spec: Spec<NoInfer<F>>) => Subject = opened => opened
): Analysis<F, R & Stated> {
  return {
    ...inner,
    async compute(opened, spec, context, seed) {
      const result = await inner.compute(opened, spec, context, seed);
      const subject = view(opened, spec);
      return { ...result, breaks: [...departures(subject, assumes), ...strains(subject, result, spec)] };
    },
    validateResult(value) {
      const result = inner.validateResult(value);
      return { ...result, breaks: checkBreaks((value as Stated).breaks, 'result.breaks') };
    },
    figures(result, spec) {
      const [first, ...more] = inner.figures(result, spec);
      return first
        ? [{ ...first, caption: `${first.caption}${words(' Not as in the theorem: ', result)}` }, ...more]
        : [];
    },
    summary: (result, spec) => `${inner.summary(result, spec)}${words('\nnot as in the theorem: ', result)}`
  };
}

const words = (before: string, { breaks = [] }: Stated): string =>
  breaks.length > 0 ? `${before}${breaks.join('; ')}.` : '';
