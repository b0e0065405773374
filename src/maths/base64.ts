const CHUNK = 0x8000;

/** Standard alphabet with padding (RFC 4648, section 4). */
export function toBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let start = 0; start < bytes.length; start += CHUNK) {
    parts.push(String.fromCharCode(...bytes.subarray(start, start + CHUNK)));
  }
  return btoa(parts.join(''));
}

/** Throws when the text is not base64, or holds more than `maxBytes`. */
export function fromBase64(text: string, maxBytes: number): Uint8Array<ArrayBuffer> {
  if ((text.length / 4) * 3 > maxBytes + 3) {
    throw new Error(`base64: ${text.length} characters hold more than ${maxBytes} bytes`);
  }
  if (text.length % 4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new Error('base64: a character or length that base64 does not have');
  }
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = binary.charCodeAt(i);
  }
  return bytes;
}
