import type { HeadPlace, TokenPlace } from '../../figures/part-names';

/** Parts of a model that a figure points at. */
export interface Selection {
  readonly heads: readonly HeadPlace[];
  readonly tokens: readonly TokenPlace[];
}

export const NOTHING: Selection = { heads: [], tokens: [] };

export const isNothing = ({ heads, tokens }: Selection): boolean => heads.length + tokens.length === 0;

/** All parts of several selections, each once. */
export function joined(...all: readonly Selection[]): Selection {
  const once = <T>(parts: readonly T[], key: (part: T) => string): T[] => [
    ...new Map(parts.map(part => [key(part), part])).values()
  ];
  return {
    heads: once(
      all.flatMap(({ heads }) => heads),
      ({ layer, head }) => `${layer} ${head}`
    ),
    tokens: once(
      all.flatMap(({ tokens }) => tokens),
      ({ position, text }) => `${position} ${text}`
    )
  };
}

/** Whether two selections have a part in common. */
export const meets = (a: Selection, b: Selection): boolean =>
  a.heads.some(one => b.heads.some(other => one.layer === other.layer && one.head === other.head)) ||
  a.tokens.some(one => b.tokens.some(other => isSameToken(one, other)));

/** Whether every part of `part` is in `whole`; not of nothing. */
export const isWithin = (part: Selection, whole: Selection): boolean =>
  !isNothing(part) &&
  part.heads.every(head => meets({ heads: [head], tokens: [] }, whole)) &&
  part.tokens.every(token => meets({ heads: [], tokens: [token] }, whole));

export const isSame = (a: Selection, b: Selection): boolean =>
  (isNothing(a) && isNothing(b)) || (isWithin(a, b) && isWithin(b, a));

/** The same place and text; a label may have been cut (…), or name a clean and a corrupted token (cat/dog). */
export function isSameToken(a: TokenPlace, b: TokenPlace): boolean {
  return a.position === b.position && readings(a.text).some(one => readings(b.text).some(other => agrees(one, other)));
}

const readings = (text: string): string[] =>
  text.length > 2 && text.includes('/') ? [text, ...text.split('/')] : [text];

const agrees = (a: string, b: string): boolean => a === b || isCut(a, b) || isCut(b, a);

const isCut = (cut: string, whole: string): boolean =>
  cut.length > 2 && cut.endsWith('…') && whole.startsWith(cut.slice(0, -1));
