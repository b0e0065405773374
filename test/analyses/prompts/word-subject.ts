import type { Subject } from '../../../src/subject/subject';
import type { Encoded, Tokens } from '../../../src/tokens/tokens';
import { fakeSubject } from '../fake-subject';

export interface Pieces {
  /** Words that are two tokens. */
  readonly broken?: (word: string) => boolean;
  /** Digits together that are a token. */
  readonly digits?: 1 | 2;
}

/** A tokenizer whose tokens are words with the space before them, digits one or two at a time, and single signs. */
export function wordTokens({ broken = () => false, digits = 2 }: Pieces): Tokens {
  const known: string[] = ['<s>'];
  const id = (piece: string): number => {
    const at = known.indexOf(piece);
    return at >= 0 ? at : known.push(piece) - 1;
  };
  const pieces = (text: string): string[] =>
    (text.match(new RegExp(` ?[A-Za-z]+| ?\\d{1,${digits}}|\\s|[^\\sA-Za-z\\d]`, 'g')) ?? []).flatMap(piece =>
      broken(piece.trim()) ? [piece.slice(0, 2), piece.slice(2)] : [piece]
    );
  const encode = (text: string): Encoded => {
    let at = 0;
    const tokens = pieces(text).map(piece => {
      const start = at;
      at += piece.length;
      return { id: id(piece), label: piece, start, end: at };
    });
    return { ids: tokens.map(token => token.id), tokens };
  };
  return {
    vocabularySize: 5000,
    specialIds: [0],
    encode,
    decode: ids => ids.map(one => known[one]).join(''),
    label: one => known[one] ?? `t${one}`
  };
}

export function wordSubject(pieces: Pieces = {}): Subject {
  const tokens = wordTokens(pieces);
  const subject = fakeSubject({ layers: 2, heads: 2, vocabulary: 5000 });
  return {
    ...subject,
    tokens,
    input: ({ text, ids }) => {
      const read = ids ?? tokens.encode(text).ids;
      return { ids: read, labels: read.map(tokens.label), bos: false };
    }
  };
}
