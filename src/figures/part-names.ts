/** A head by the model's own numbers. */
export interface HeadPlace {
  readonly layer: number;
  readonly head: number;
}

/** A token by its place and its text. */
export interface TokenPlace {
  readonly position: number;
  readonly text: string;
}

/** Longest name that is read. */
const LONGEST = 400;

/** Heads that a figure's name of a point speaks of: 'L1H3', 'L0H0 → L1H3', 'L1H3 from 4 cat'. */
export function headsIn(name: string): readonly HeadPlace[] {
  const found = name.slice(0, LONGEST).matchAll(/(?<![\p{L}\p{N}])L(\d{1,4})H(\d{1,4})(?![\p{L}\p{N}])/gu);
  return Array.from(found, ([, layer, head]) => ({ layer: Number(layer), head: Number(head) }));
}

/** The same of a text that names heads and nothing else ('L1H3', 'L1H3, L0H2'); none where it says more. */
export function headsAlone(text: string): readonly HeadPlace[] {
  return /^\s*L\d{1,4}H\d{1,4}(?:[\s,;→]+L\d{1,4}H\d{1,4})*\s*$/.test(text.slice(0, LONGEST)) ? headsIn(text) : [];
}

/** The token that a label of an axis or column of tokens names: '4 cat'. */
export function tokenIn(label: string): TokenPlace | undefined {
  const match = /^(\d{1,6}) (.+)$/su.exec(label.slice(0, LONGEST));
  return match ? { position: Number(match[1]), text: match[2] } : undefined;
}
