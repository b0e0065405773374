import { random, type Random } from '../../maths/random';

/** A sentence with the class of each word. */
export type Tagged = readonly (readonly [word: string, label: string])[];

/** Nouns that are verbs too. */
const BOTH = words(
  'sail watch ship answer hope hand plan turn mark land cook guard anchor rest walk talk call cry fear fight help hunt judge laugh look move need order paint pay play promise question rain reach rule run search shout show sleep smile start step stop study swim taste touch travel trust visit wait wash wish work'
);
/** Adjectives that are verbs too. */
const QUALITIES = words('open dry clear slow clean warm cool calm empty free');

/** Words of most classes occur in another class too: the word alone does not tell. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  determiner: words('the a this that every her his my our some'),
  adjective: [
    ...QUALITIES,
    ...words('old cold little long light young great poor bright dark quiet heavy early late small white')
  ],
  noun: [
    ...BOTH,
    ...words(
      'captain sea letter house river town child king queen garden road stone tree bird horse field light winter summer door'
    )
  ],
  verb: [...BOTH, ...QUALITIES, ...words('know see hear find keep bring carry build write read remember follow')],
  preposition: words('on in near before after over like under behind across'),
  pronoun: words('they we you I her him them'),
  adverb: words('often never still long before after over soon here there early late again always')
};

const CLAUSES: readonly (readonly string[])[] = [
  ['pronoun', 'verb', 'determiner', 'adjective', 'noun'],
  ['pronoun', 'adverb', 'verb', 'determiner', 'noun'],
  ['pronoun', 'verb', 'determiner', 'noun', 'preposition', 'determiner', 'noun'],
  ['pronoun', 'verb', 'pronoun', 'adverb'],
  ['preposition', 'determiner', 'noun', 'pronoun', 'verb', 'determiner', 'adjective', 'noun'],
  ['pronoun', 'verb', 'determiner', 'adjective', 'noun', 'adverb'],
  ['pronoun', 'adverb', 'verb', 'preposition', 'determiner', 'noun']
];

/** Sentences of one or two clauses, no two alike; made here, so that no corpus is needed. */
export function sentences(count: number, seed: number): Tagged[] {
  const stream = random(seed);
  const found = new Map<string, Tagged>();
  while (found.size < count) {
    const sentence = [
      ...clause(stream),
      ...(stream.below(3) === 0 ? [['and', 'conjunction'] as const, ...clause(stream)] : [])
    ];
    found.set(sentence.map(([word]) => word).join(' '), sentence);
  }
  return [...found.values()];
}

const clause = (stream: Random): Tagged =>
  CLAUSES[stream.below(CLAUSES.length)].map(label => [WORDS[label][stream.below(WORDS[label].length)], label] as const);

function words(list: string): readonly string[] {
  return list.split(' ');
}
