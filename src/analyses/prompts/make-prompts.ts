import { random } from '../../maths/random';
import type { Subject } from '../../subject/subject';
import { ownTokens } from '../own-tokens';
import type { Prompt, PromptSetRequest } from '../spec/spec';
import type { Draft } from './prompt-set';
import { masked } from './masked';
import { promptSet } from './sets';
import { singleWords, type SingleWords, type WordCount } from './single-words';

/** What a request says where it leaves something out. */
export const [DEFAULT_COUNT, DEFAULT_SEED] = [8, 0];

export interface MadePrompts {
  readonly prompts: readonly Prompt[];
  /** Words of each kind that are single tokens. */
  readonly words: readonly WordCount[];
  /** Different drafts that were tried, and those whose versions have as many tokens. */
  readonly drafts: number;
  readonly aligned: number;
}

/** Drafts for each prompt that is wanted: not all have the same length. */
const DRAFTS = 8;

/**
 * Prompts of a set for the model's tokenizer, all of one length in tokens, different from one another; fewer than asked for where the words do not
 * make as many. Throws one sentence where none is left. Equal seeds give equal prompts.
 */
export function makePrompts(subject: Subject, request: PromptSetRequest): MadePrompts {
  const set = promptSet(request.set);
  const stream = random(request.seed ?? DEFAULT_SEED);
  const ways = Object.keys(set.counterfactuals);
  const first = request.counterfactual ?? ways[0];
  const second = ways[(ways.indexOf(first) + 1) % ways.length];
  let words: SingleWords | undefined;
  const known = (): SingleWords => (words ??= singleWords(subject, set.id));
  const draws = [first, second].map(way => set.prepare(known, way, subject));
  const count = request.n ?? DEFAULT_COUNT;
  const drafts = different(
    Array.from({ length: DRAFTS * count }, (): Versions => {
      // Both corruptions of one prompt: a set draws what they have in common first.
      const seed = stream.next();
      const [one, other] = draws.map(draw => draw(random(seed)));
      return { ...one, corrupted2: other.corrupted };
    })
  );
  const groups = byLength(subject, drafts);
  const made = groups.map(group => firstOf(group, count, draft => withAnswers(subject, words, draft)));
  const prompts = made.reduce((most, own) => (own.length > most.length ? own : most), []);
  if (prompts.length === 0) {
    throw new Error(
      `prompt set empty: none of ${drafts.length} prompts of '${set.id}' has clean and corrupted versions of as many tokens, and answers of one, with the tokenizer of '${subject.facts.label}'`
    );
  }
  const aligned = groups.reduce((sum, { length }) => sum + length, 0);
  return { prompts, words: words?.counts ?? [], drafts: drafts.length, aligned };
}

interface Versions extends Draft {
  readonly corrupted2: Draft['corrupted'];
}

const different = (drafts: readonly Versions[]): Versions[] => [
  ...new Map(drafts.map(draft => [String(draft.clean), draft])).values()
];

/** Drafts whose versions have as many tokens and are not the same, by that number, the commonest first. */
function byLength(subject: Subject, drafts: readonly Versions[]): Versions[][] {
  const read = (given: Draft['clean']): readonly number[] =>
    (typeof given === 'string' ? subject.input({ text: given }) : subject.input({ ids: given })).ids;
  const groups = new Map<number, Versions[]>();
  for (const draft of drafts) {
    const clean = read(draft.clean);
    const others = [draft.corrupted, draft.corrupted2].map(read);
    if (others.every(other => other.length === clean.length && other.join() !== clean.join())) {
      groups.set(clean.length, [...(groups.get(clean.length) ?? []), draft]);
    }
  }
  return [...groups.values()].sort((a, b) => b.length - a.length);
}

function firstOf(drafts: readonly Versions[], count: number, make: (draft: Versions) => Prompt | undefined): Prompt[] {
  const made: Prompt[] = [];
  for (const draft of drafts) {
    const prompt = made.length < count ? make(draft) : undefined;
    if (prompt) {
      made.push(prompt);
    }
  }
  return made;
}

/** Answers that are not one token behind the clean prompt fall out; undefined where a side has none left. */
function withAnswers(subject: Subject, words: SingleWords | undefined, draft: Versions): Prompt | undefined {
  const [correct, wrong] = [draft.correct, draft.wrong].map(side =>
    side.flatMap(answer => {
      const id = typeof answer === 'number' ? answer : words?.added(String(draft.clean), answer);
      return id === undefined ? [] : [{ id, token: alone(subject, answer) === id ? answer : id }];
    })
  );
  if (correct.length === 0 || wrong.length === 0 || correct.some(({ id }) => wrong.some(other => other.id === id))) {
    return undefined;
  }
  const tokens = (side: typeof correct): (string | number)[] => side.map(({ token }) => token);
  const [clean, corrupted, corrupted2] = [draft.clean, draft.corrupted, draft.corrupted2].map(text =>
    masked(subject, text)
  );
  return { clean, corrupted, corrupted2, answer: { correct: tokens(correct), wrong: tokens(wrong) } };
}

/** The token that an answer is when it stands alone; some tokenizers make another of it than behind a text. */
function alone({ tokens }: Subject, answer: string | number): number | undefined {
  const own = typeof answer === 'string' && tokens ? ownTokens(tokens, answer) : [];
  return own.length === 1 ? own[0].id : undefined;
}
