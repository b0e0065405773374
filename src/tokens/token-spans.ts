import { announced, utf8Sequences } from './utf8';

/** A token as the aligner sees it. */
export interface Piece {
  /**
   * 'text' stands for its bytes, 'literal' for its bytes as an added token typed in the text, 'unknown' for what the
   * vocabulary lacks, 'outside' for nothing in the text (added by the post-processor).
   */
  readonly kind: 'text' | 'literal' | 'unknown' | 'outside';
  readonly bytes: Uint8Array;
  /** May begin only at a word's edge (WordPiece without '##'). */
  readonly wordStart: boolean;
}

/** UTF-16 range [start, end). */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Where each token lies in the text. The rule:
 * 1. Tokens are taken in order. Tokens that share a character are taken together; it belongs to the token with its first
 *    byte, the others get an empty span at its end. So byte-level BPE partitions the text.
 * 2. Where the tokenizer normalised, both sides are compared without case, accents and compatibility forms (NFKD);
 *    whitespace and characters without a shape may be skipped between tokens. A token that begins with a space that the
 *    text does not have there (added in front) begins without it.
 * 3. A token that is not found so, and an unknown one, takes what lies between its neighbours, without the whitespace
 *    around it; of several in a row each takes a word, a word or punctuation mark, or a character, where there are as
 *    many, else the first takes all.
 * 4. Tokens outside the text get an empty span between their neighbours.
 */
export const tokenSpans = (text: string, pieces: readonly Piece[]): readonly Span[] => {
  const units = groupUnits(pieces);
  const exact = align(text, pieces, units, char => char);
  return exact.missed === 0 ? exact.spans : align(text, pieces, units, foldChar).spans;
};

/** Tokens that together hold whole characters. */
interface Unit {
  readonly tokens: readonly number[];
  /** Characters, each with the token that holds its first byte; undefined where the text is unknown. */
  readonly chars?: readonly { readonly char: string; readonly token: number }[];
}

const groupUnits = (pieces: readonly Piece[]): readonly Unit[] => {
  const units: Unit[] = [];
  let open: number[] = [];
  pieces.forEach((piece, token) => {
    if (piece.kind !== 'text' && open.length > 0) {
      units.push(unitOf(pieces, open));
      open = [];
    }
    open.push(token);
    if (piece.kind !== 'text' || missingBytes(open.map(index => pieces[index].bytes)) === 0) {
      units.push(unitOf(pieces, open));
      open = [];
    }
  });
  return open.length > 0 ? [...units, unitOf(pieces, open)] : units;
};

/** Bytes that the last, unfinished character still wants. */
const missingBytes = (parts: readonly Uint8Array[]): number => {
  const tail = parts.flatMap(part => [...part.subarray(-4)]).slice(-4);
  const back = tail.reverse().findIndex(byte => byte < 0x80 || byte >= 0xc0);
  return back < 0 ? 0 : Math.max(0, announced(tail[back]) - (back + 1));
};

const unitOf = (pieces: readonly Piece[], tokens: readonly number[]): Unit => {
  if (pieces[tokens[0]].kind === 'outside') {
    return { tokens, chars: [] };
  }
  const bytes = Uint8Array.from(tokens.flatMap(token => [...pieces[token].bytes]));
  const owner = tokens.flatMap(token => Array<number>(pieces[token].bytes.length).fill(token));
  const sequences = utf8Sequences(bytes);
  return sequences.some(({ text }) => text === undefined)
    ? { tokens }
    : { tokens, chars: sequences.map(({ start, text }) => ({ char: text ?? '', token: owner[start] })) };
};

type Fold = (char: string) => string;

/** For comparison only: compatibility forms taken apart, marks dropped, lower case. */
const foldChar: Fold = char => char.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

/** The text's characters after folding, one entry a UTF-16 unit, each with its place in the text. */
interface Folded {
  readonly chars: readonly string[];
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

const foldText = (text: string, fold: Fold): Folded => {
  const chars: string[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  let offset = 0;
  for (const char of text) {
    const folded = fold(char);
    for (const unit of folded) {
      chars.push(unit);
      starts.push(offset);
      ends.push(offset + char.length);
    }
    offset += char.length;
    if (folded === '' && ends.length > 0) {
      ends[ends.length - 1] = offset;
    }
  }
  return { chars, starts, ends };
};

/** A character of a unit after folding. */
interface Mark {
  readonly char: string;
  readonly token: number;
}

interface Match {
  readonly at: number;
  readonly marks: readonly Mark[];
}

/** How far ahead the next known token is looked for after one that was not found. */
const REACH = 2048;
const SKIPPED = /^[\s\p{C}]$/u;
const WORD_EDGE = /^[\s\p{C}\p{P}\p{S}\p{Lo}]$/u;

const align = (
  text: string,
  pieces: readonly Piece[],
  units: readonly Unit[],
  fold: Fold
): { readonly spans: readonly Span[]; readonly missed: number } => {
  const folded = foldText(text, fold);
  const spans: (Span | undefined)[] = Array.from(pieces, () => undefined);
  let cursor = 0;
  let pending: number[] = [];
  let missed = 0;
  for (const unit of units) {
    const marks = foldUnit(unit, fold);
    if (unit.chars !== undefined && marks.length === 0) {
      continue;
    }
    const edge = pieces[unit.tokens[0]].wordStart;
    const match = find(folded, cursor, marks, edge, pending.length > 0);
    if (match === undefined) {
      pending.push(...unit.tokens);
      missed++;
      continue;
    }
    fillGap(text, folded, spans, pending, cursor, match.at);
    pending = [];
    placeUnit(folded, spans, unit, match, cursor);
    cursor = match.at + match.marks.length;
  }
  fillGap(text, folded, spans, pending, cursor, folded.chars.length);
  return { spans: fillEmpty(spans), missed };
};

const foldUnit = (unit: Unit, fold: Fold): readonly Mark[] =>
  (unit.chars ?? []).flatMap(({ char, token }) => [...fold(char)].map(unitChar => ({ char: unitChar, token })));

/** At the cursor, after what may be skipped, or, after tokens that were not found, anywhere within reach. */
const find = (
  text: Folded,
  cursor: number,
  marks: readonly Mark[],
  edge: boolean,
  anywhere: boolean
): Match | undefined => {
  const spaced = marks[0]?.char === ' ';
  const bare = spaced ? marks.slice(1) : marks;
  const skipped = skip(text, cursor);
  if (anywhere) {
    return search(text, skipped + 1, marks, edge) ?? (spaced ? search(text, skipped + 1, bare, true) : undefined);
  }
  const near = [
    { at: cursor, marks },
    { at: Math.max(cursor, skipped - 1), marks },
    { at: cursor, marks: bare },
    { at: skipped, marks: bare }
  ].find(candidate => matches(text, candidate));
  return near ?? (spaced && bare.length === 0 ? { at: cursor, marks: bare } : undefined);
};

const search = (text: Folded, from: number, marks: readonly Mark[], edge: boolean): Match | undefined => {
  const last = marks.length === 0 ? -1 : Math.min(text.chars.length - marks.length, from + REACH);
  for (let at = from; at <= last; at++) {
    if ((!edge || atEdge(text, at)) && matches(text, { at, marks })) {
      return { at, marks };
    }
  }
  return undefined;
};

const matches = (text: Folded, { at, marks }: Match): boolean =>
  marks.length > 0 && marks.every((mark, index) => text.chars[at + index] === mark.char);

const atEdge = (text: Folded, at: number): boolean =>
  at === 0 || WORD_EDGE.test(text.chars[at - 1]) || WORD_EDGE.test(text.chars[at]);

const skip = (text: Folded, from: number): number => {
  let at = from;
  while (at < text.chars.length && SKIPPED.test(text.chars[at])) {
    at++;
  }
  return at;
};

/** End, in the text, of what stands before folded position `at`. */
const placeBefore = (text: Folded, at: number): number => (at === 0 ? 0 : text.ends[at - 1]);

const placeUnit = (
  text: Folded,
  spans: (Span | undefined)[],
  unit: Unit,
  { at, marks }: Match,
  cursor: number
): void => {
  let place =
    at === cursor ? placeBefore(text, cursor) : at < text.starts.length ? text.starts[at] : placeBefore(text, at);
  for (const token of unit.tokens) {
    const own = marks.flatMap((mark, index) => (mark.token === token ? [at + index] : []));
    if (own.length === 0) {
      spans[token] = { start: place, end: place };
      continue;
    }
    const end = text.ends[own[own.length - 1]];
    spans[token] = { start: text.starts[own[0]], end };
    place = end;
  }
};

/** Gives the folded range [from, to), without the whitespace around it, to tokens that were not found. */
const fillGap = (
  text: string,
  folded: Folded,
  spans: (Span | undefined)[],
  tokens: readonly number[],
  from: number,
  to: number
): void => {
  if (tokens.length === 0) {
    return;
  }
  const start = placeBefore(folded, from);
  const end = to < folded.starts.length ? folded.starts[to] : text.length;
  const shares = shareOut(text.slice(start, end), tokens.length).map(share => ({
    start: start + share.start,
    end: start + share.end
  }));
  tokens.forEach((token, index) => {
    const after = shares.length > 0 ? shares[shares.length - 1].end : start;
    spans[token] = shares[index] ?? { start: after, end: after };
  });
};

/** Words, words and punctuation, characters. */
const SHARES = [/\S+/gu, /[\p{P}\p{S}]|[^\s\p{P}\p{S}]+/gu, /\S/gu];

const shareOut = (gap: string, count: number): readonly Span[] => {
  const ways = SHARES.map(pattern => [...gap.matchAll(pattern)].map(rangeOf));
  const words = ways[0];
  return (
    ways.find(ranges => ranges.length === count) ??
    words.slice(0, 1).map(({ start }) => ({ start, end: words[words.length - 1].end }))
  );
};

const rangeOf = (match: RegExpMatchArray): Span => {
  const start = match.index ?? 0;
  return { start, end: start + match[0].length };
};

/** In order and without overlap; tokens that stand for nothing in the text: an empty span after the token before. */
const fillEmpty = (spans: readonly (Span | undefined)[]): readonly Span[] => {
  let place = 0;
  return spans.map(span => {
    const start = Math.max(place, span?.start ?? place);
    place = Math.max(place, span?.end ?? place);
    return { start: Math.min(start, place), end: place };
  });
};
