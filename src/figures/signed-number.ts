/** '+1.500', '−0.250'; what rounds to zero has no sign. */
export function signedNumber(value: number, digits: number): string {
  const size = Math.abs(value).toFixed(digits);
  return Number(size) === 0 ? size : (value < 0 ? '−' : '+') + size;
}
