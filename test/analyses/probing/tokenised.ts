import type { Subject } from '../../../src/subject/subject';
import { fakeSubject } from '../fake-subject';

/** Splits at spaces; 'ship' is two tokens, 'sh' and 'ip'. */
export const tokenised = (): Subject => {
  const pieces = (text: string) =>
    [...text.matchAll(/\S+/g)].flatMap(({ 0: word, index }) =>
      word === 'ship'
        ? [
            [index, index + 2],
            [index + 2, index + 4]
          ]
        : [[index, index + word.length]]
    );
  const encode = (text: string) => {
    const tokens = [[0, 0], ...pieces(text)].map(([start, end], id) => ({
      id,
      label: text.slice(start, end),
      start,
      end
    }));
    return { ids: tokens.map(({ id }) => id), tokens };
  };
  const tokens = { vocabularySize: 50, specialIds: [0], encode, decode: () => '', label: (id: number) => `t${id}` };
  const fake = fakeSubject({ layers: 1, heads: 1 });
  return {
    ...fake,
    tokens,
    input: ({ text, ids }) => ({
      ids: ids ?? encode(text!).ids,
      labels: (ids ?? encode(text!).ids).map(String),
      bos: true
    })
  };
};
