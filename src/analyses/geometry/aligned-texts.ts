import type { Input, Subject } from '../../subject/subject';
import { quote } from '../quote';

/**
 * The same texts as the second model reads them, token for token those of the first. With a tokenizer each, both must cut every text at the same
 * places (the ids may differ); where one has none, its ids are the other's, and the vocabularies must be of one size. Throws one sentence otherwise.
 */
export function alignedTexts(
  first: Subject,
  second: Subject,
  lines: string | undefined,
  own: readonly Input[]
): readonly Input[] {
  if (first.tokens && second.tokens && first.facts.tokenizerHash !== second.facts.tokenizerHash) {
    const texts = (lines ?? '').split(/\r?\n/).filter(line => line.trim() !== '');
    return texts.map((text, at) => sameCuts(first, second, text, at));
  }
  const sizes = [first, second].map(({ tower }) => tower.embedding?.rows ?? tower.dVocab ?? undefined);
  if (!(first.tokens && second.tokens) && sizes[0] !== sizes[1]) {
    throw new Error(
      `vocabularies differ: '${first.facts.label}' has ${sizes[0] ?? 'an unknown number of'} tokens, '${second.facts.label}' ${sizes[1] ?? 'an unknown number'}, and not both have a tokenizer to match them by`
    );
  }
  return own.map(({ ids }) => second.input({ ids }));
}

function sameCuts(first: Subject, second: Subject, text: string, at: number): Input {
  const [a, b] = [first, second].map(({ tokens }) => tokens!.encode(text).tokens);
  const differs = a.findIndex((token, i) => token.start !== b[i]?.start || token.end !== b[i]?.end);
  if (differs >= 0 || a.length !== b.length) {
    const place = differs >= 0 ? differs : a.length;
    // A special token stands for no text: its label says which it is.
    const shown = (found: typeof a): string =>
      found[place] ? quote(text.slice(found[place].start, found[place].end) || found[place].label) : 'none';
    throw new Error(
      `tokens do not correspond: text ${at + 1} is ${a.length} tokens of '${first.facts.label}' and ${b.length} of '${second.facts.label}', whose token ${place} is ${shown(a)} in the one and ${shown(b)} in the other, so that no point of the one is one of the other`
    );
  }
  return second.input({ text });
}
