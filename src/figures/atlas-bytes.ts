/** Zero of signed cells. */
export const SIGNED_ZERO = 128;

/** A weight 0 … 1, or a signed difference −1 … 1, as the byte that an atlas stores: on a square-root scale, so that small ones survive. */
export function byteOf(value: number, signed: boolean): number {
  const root = Math.sqrt(Math.min(1, Math.abs(value)));
  return signed ? SIGNED_ZERO + Math.sign(value) * Math.round(127 * root) : Math.round(255 * root);
}

export const valueOf = (byte: number, signed: boolean): number =>
  signed ? Math.sign(byte - SIGNED_ZERO) * ((byte - SIGNED_ZERO) / 127) ** 2 : (byte / 255) ** 2;

/** How large a byte's value is, 0 … 255 for either kind. */
export const magnitudeOf = (byte: number, signed: boolean): number =>
  signed ? Math.min(255, 2 * Math.abs(byte - SIGNED_ZERO)) : byte;
