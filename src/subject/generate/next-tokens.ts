import { random } from '../../maths/random';
import type { Context } from '../context';
import type { Subject } from '../subject';
import type { CandidateChoice } from './next-candidates';
import { nextCandidates } from './next-candidates';

export interface NextAsk extends CandidateChoice {
  readonly text: string;
  /** Ids that were put behind the text, one after the other. */
  readonly added: readonly number[];
  /** Candidates told, most probable first. */
  readonly most: number;
  readonly seed: number;
}

export interface NextTokens {
  readonly candidates: readonly { readonly id: number; readonly label: string; readonly probability: number }[];
  /** How many tokens are drawn from. */
  readonly kept: number;
  /** A token drawn from them by the seed and the number of those that were added. */
  readonly drawn: number;
  /** What was added, as text. */
  readonly continuation: string;
}

interface Known {
  readonly ids: string;
  readonly logits: Float32Array;
}
/** The last logits of a model: another temperature needs no forward. */
const known = new WeakMap<Subject, Known>();

/** What a decoder takes for the next token of a text. Throws without a tokenizer, and for what cannot be generated from. */
export async function nextTokens(subject: Subject, ask: NextAsk, context: Context): Promise<NextTokens> {
  const { tokens } = subject;
  if (!tokens) {
    throw new Error(`no tokenizer: '${subject.facts.label}' reads ids, not texts`);
  }
  const { text, added, most, seed } = ask;
  const logits = await logitsBehind(subject, [...tokens.encode(text).ids, ...added], context);
  const { ids, probabilities } = nextCandidates(logits, ask);
  const candidates = ids
    .slice(0, most)
    .map((id, place) => ({ id, label: tokens.label(id), probability: probabilities[place] }));
  let left = (random(seed + added.length).next() + 0.5) / 2 ** 32;
  const at = probabilities.findIndex(probability => (left -= probability) < 0);
  const drawn = ids[at < 0 ? ids.length - 1 : at];
  return { candidates, kept: ids.length, drawn, continuation: tokens.decode(added) };
}

async function logitsBehind(subject: Subject, ids: readonly number[], context: Context): Promise<Float32Array> {
  const asked = ids.join();
  const before = known.get(subject);
  if (before?.ids === asked) {
    return before.logits;
  }
  const { logits } = await subject.generate({ ids: [ids], tokens: 1, logits: true, past: 'never' }, context);
  const found = { ids: asked, logits: logits!.data as Float32Array };
  known.set(subject, found);
  return found.logits;
}
