import { random, type Random } from '../../maths/random';
import { LEXICON, withS } from './lexicon';

/** What a word of the grammar can be asked for. */
export const GRAMMAR_TASKS = ['part-of-speech', 'position', 'case', 'number', 'depth'] as const;
export type GrammarTask = (typeof GRAMMAR_TASKS)[number];

/** A word with its labels; those that it does not have are left out. */
export interface GrammarWord {
  readonly word: string;
  readonly labels: Readonly<Partial<Record<GrammarTask, string>>>;
}

/** 0 for one, 1 for several. */
type Count = 0 | 1;

/** Classes of many words, each rare. */
const OPEN = ['noun', 'verb', 'adjective', 'adverb'];

const DEEPEST = 2;
const LONGEST = 28;
/** Words whose place is asked for. */
const PLACES = 10;

/**
 * Sentences of a small grammar, no two alike: 'the old captain near those ships that fear him often calls a sailor'. Open classes have hundreds of words, each
 * rare, so that a probe cannot learn the words by heart; many nouns are verbs too. Labels: `part-of-speech` of every word; `case` of nouns and pronouns (subject,
 * object, behind a preposition); and of words of open classes alone, as 'the' with any label would be learned by heart: `position` (first to tenth
 * word), `depth` of relative clauses, and `number` of the subject, on the words between it and its verb, which do not show it.
 */
export function sentences(count: number, seed: number): GrammarWord[][] {
  const stream = random(seed);
  const found = new Map<string, GrammarWord[]>();
  while (found.size < count) {
    const more = stream.below(4) === 0;
    const made = [
      ...clause(stream, 0),
      ...(more ? [one(pick(stream, ['and', 'but', 'while']), 'conjunction', 0), ...clause(stream, 0)] : [])
    ];
    if (made.length <= LONGEST) {
      found.set(made.map(({ word }) => word).join(' '), made.map(placed));
    }
  }
  return [...found.values()];
}

const pick = <T>(stream: Random, from: readonly T[]): T => from[stream.below(from.length)];
const once = (stream: Random, in_: number, make: () => GrammarWord[]): GrammarWord[] =>
  stream.below(in_) === 0 ? make() : [];

const one = (word: string, part: string, depth: number, more: GrammarWord['labels'] = {}): GrammarWord => ({
  word,
  labels: { 'part-of-speech': part, ...(OPEN.includes(part) && { depth: String(depth) }), ...more }
});

const placed = ({ word, labels }: GrammarWord, at: number): GrammarWord => ({
  word,
  labels: { ...labels, ...(labels.depth !== undefined && at < PLACES && { position: String(at + 1).padStart(2, '0') }) }
});

function clause(stream: Random, depth: number): GrammarWord[] {
  const number: Count = stream.below(2) === 0 ? 0 : 1;
  return [...subject(stream, number, depth), ...predicate(stream, number, depth)];
}

/** What stands between the subject's noun and its verb is labelled with the subject's number. */
function subject(stream: Random, number: Count, depth: number): GrammarWord[] {
  if (stream.below(5) === 0) {
    return [one(pick(stream, LEXICON.pronoun.nominative[number]), 'pronoun', depth, { case: 'subject' })];
  }
  const between = [
    ...once(stream, 2, () => prepositional(stream, depth)),
    ...(depth < DEEPEST ? once(stream, 3, () => relative(stream, number, depth + 1)) : [])
  ];
  const adverb = once(stream, 3, () => [one(pick(stream, LEXICON.adverb), 'adverb', depth)]);
  return [
    ...nounPhrase(stream, number, 'subject', depth),
    ...[...between, ...adverb].map(({ word, labels }) => ({
      word,
      // A relative clause's own verb agrees with the noun, and shows its number.
      labels: labels.depth === String(depth) ? { ...labels, number: number === 0 ? 'one' : 'several' } : labels
    }))
  ];
}

function nounPhrase(stream: Random, number: Count, role: string, depth: number): GrammarWord[] {
  const noun = pick(stream, LEXICON.noun);
  const adjective = once(stream, 2, () => [one(pick(stream, LEXICON.adjective), 'adjective', depth)]);
  const last = one(number === 0 ? noun : withS(noun), 'noun', depth, { case: role });
  const determiner = pick(stream, LEXICON.determiner[number]);
  const next = [...adjective, last][0].word;
  return [
    one(determiner === 'a' && /^[aeiou]/.test(next) ? 'an' : determiner, 'determiner', depth),
    ...adjective,
    last
  ];
}

function prepositional(stream: Random, depth: number): GrammarWord[] {
  const number: Count = stream.below(2) === 0 ? 0 : 1;
  return [
    one(pick(stream, LEXICON.preposition), 'preposition', depth),
    ...nounPhrase(stream, number, 'behind a preposition', depth)
  ];
}

const relative = (stream: Random, number: Count, depth: number): GrammarWord[] => [
  one(pick(stream, ['that', 'who', 'which']), 'relative', depth),
  ...predicate(stream, number, depth)
];

function predicate(stream: Random, number: Count, depth: number): GrammarWord[] {
  const verb = pick(stream, LEXICON.verb);
  return [
    one(number === 0 ? withS(verb) : verb, 'verb', depth),
    ...(stream.below(4) > 0 ? object(stream, depth) : []),
    ...once(stream, 3, () => prepositional(stream, depth)),
    ...once(stream, 5, () => [one(pick(stream, LEXICON.adverb), 'adverb', depth)])
  ];
}

function object(stream: Random, depth: number): GrammarWord[] {
  const number: Count = stream.below(2) === 0 ? 0 : 1;
  if (stream.below(5) === 0) {
    return [one(pick(stream, LEXICON.pronoun.accusative[number]), 'pronoun', depth, { case: 'object' })];
  }
  return [
    ...nounPhrase(stream, number, 'object', depth),
    ...(depth < DEEPEST ? once(stream, 3, () => relative(stream, number, depth + 1)) : [])
  ];
}
