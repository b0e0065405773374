import { noTokenizer } from './no-tokenizer';
import type { Input, Subject } from '../subject/subject';

const MOST = 1000;

/** A text a line, empty ones left out; without a tokenizer a line holds ids with commas or spaces between. `field` is named in errors. */
export function referenceTexts(subject: Subject, field: string, lines: string | undefined): readonly Input[] {
  const given = (lines ?? '').split(/\r?\n/).filter(line => line.trim() !== '');
  if (given.length > MOST) {
    throw new Error(`field '${field}' has ${given.length} texts, at most ${MOST} are read`);
  }
  return given.map((line, at) =>
    subject.tokens
      ? subject.input({ text: line })
      : subject.input({ ids: idsOf(line, `line ${at + 1} of '${field}'`, subject.facts) })
  );
}

const idsOf = (line: string, at: string, facts: Subject['facts']): readonly number[] => {
  const words = line.trim().split(/[\s,]+/);
  const wrong = words.find(word => !/^\d{1,10}$/.test(word));
  if (wrong !== undefined) {
    throw new Error(
      `no tokenizer: ${at} holds '${wrong.slice(0, 40)}', but ${noTokenizer(facts)}, so give token ids with commas between`
    );
  }
  return words.map(Number);
};
