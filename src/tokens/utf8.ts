/** One character of a byte string, or one byte that is no part of a character. */
export interface Sequence {
  readonly start: number;
  readonly end: number;
  /** Absent where the bytes are not UTF-8. */
  readonly text?: string;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Length that a lead byte announces; 0 for a byte that cannot lead (RFC 3629 §3). */
export const announced = (byte: number): number => {
  if (byte < 0x80) {
    return 1;
  }
  if (byte < 0xc2 || byte > 0xf4) {
    return 0;
  }
  return byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
};

export const utf8Sequences = (bytes: Uint8Array): readonly Sequence[] => {
  const found: Sequence[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = start + announced(bytes[start]);
    const text = end > start && end <= bytes.length ? decode(bytes.subarray(start, end)) : undefined;
    found.push(text === undefined ? { start, end: start + 1 } : { start, end, text });
    start = text === undefined ? start + 1 : end;
  }
  return found;
};

const decode = (bytes: Uint8Array): string | undefined => {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
};
