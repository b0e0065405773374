import { noTokenizer } from '../no-tokenizer';
import { ownTokens } from '../own-tokens';
import type { Subject } from '../../subject/subject';

/** How many words of a list are one token. */
export interface WordCount {
  readonly kind: string;
  readonly kept: number;
  readonly of: number;
}

/** Words of the tokenizer in hand. */
export interface SingleWords {
  /** Those that are one token behind a space in a text; throws where fewer than `least` are left. */
  keep(kind: string, words: readonly string[], least: number): readonly string[];
  /** The same for pairs of words, both of which must be. */
  pairs(
    kind: string,
    words: readonly (readonly [string, string])[],
    least: number
  ): readonly (readonly [string, string])[];
  /** The one token that `more` adds to `text`, or undefined where it adds several or changes what is there. */
  added(text: string, more: string): number | undefined;
  /** What was kept so far, each kind once. */
  readonly counts: readonly WordCount[];
}

/** What stands in front of a word when it is tried. */
const BEFORE = 'and';

/** Throws where the model has no tokenizer. */
export function singleWords({ tokens, facts }: Subject, set: string): SingleWords {
  if (!tokens) {
    throw new Error(
      `prompt set needs a tokenizer: '${set}' is made of words, and ${noTokenizer(facts)} (the set 'induction' does without)`
    );
  }
  const counts: WordCount[] = [];
  const ids = (text: string): number[] => ownTokens(tokens, text).map(({ id }) => id);
  let last: { readonly text: string; readonly ids: readonly number[] } | undefined;
  const added: SingleWords['added'] = (text, more) => {
    last = last?.text === text ? last : { text, ids: ids(text) };
    const [before, after] = [last.ids, ids(text + more)];
    const one = after.length === before.length + 1 && before.every((id, at) => after[at] === id);
    return one ? after[before.length] : undefined;
  };
  const note = <T>(kind: string, all: readonly T[], kept: readonly T[], least: number): readonly T[] => {
    // A set is prepared for each of its corruptions.
    if (counts.every(count => count.kind !== kind)) {
      counts.push({ kind, kept: kept.length, of: all.length });
    }
    if (kept.length < least) {
      throw new Error(
        `prompt set empty: ${kept.length || 'none'} of the ${all.length} ${kind} of '${set}' ${kept.length === 1 ? 'is a single token' : 'are single tokens'} of '${facts.label}', at least ${least} are needed`
      );
    }
    return kept;
  };
  const isOne = (word: string): boolean => added(BEFORE, ` ${word}`) !== undefined;
  return {
    counts,
    added,
    keep: (kind, words, least) => note(kind, words, words.filter(isOne), least),
    pairs: (kind, words, least) =>
      note(
        kind,
        words,
        words.filter(pair => pair.every(isOne)),
        least
      )
  };
}
