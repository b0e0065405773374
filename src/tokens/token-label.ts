import { tokenBytes, type Scheme } from './scheme';
import { utf8Sequences } from './utf8';

/** What a person could not see, or what could disorder the page around it. */
const SHOWN: readonly (readonly [RegExp, (char: string) => string])[] = [
  [/ /g, () => '·'],
  [/\n/g, () => '⏎'],
  [/\t/g, () => '⇥'],
  [/\r/g, () => '␍'],
  [/[\p{Zs}\p{Zl}\p{Zp}\p{Cc}]/gu, char => codePoint(char)],
  [/\p{Bidi_Control}/gu, char => codePoint(char)]
];

/** Joiners and marks alone have nothing to stand on. */
const INVISIBLE = /^[\p{Cf}\p{M}]+$/u;

/**
 * An ordinary token as a person reads it: bytes decoded, space `·`, newline `⏎`, tab `⇥`, bytes that are no whole
 * character `⟨0xE2⟩`, characters without a shape `⟨U+200D⟩`. WordPiece's `##` stays.
 */
export const tokenLabel = (scheme: Scheme, token: string): string =>
  visible(scheme.continuation === '' ? readable(tokenBytes(scheme, token)) : token);

/** Whitespace, controls and lone joiners of `text` made visible. */
export const visible = (text: string): string =>
  INVISIBLE.test(text)
    ? [...text].map(codePoint).join('')
    : SHOWN.reduce((shown, [pattern, show]) => shown.replace(pattern, show), text);

const readable = (bytes: Uint8Array): string =>
  utf8Sequences(bytes)
    .map(({ start, text }) => text ?? `⟨0x${bytes[start].toString(16).toUpperCase().padStart(2, '0')}⟩`)
    .join('');

const codePoint = (char: string): string =>
  `⟨U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
