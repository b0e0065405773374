const LONGEST = 40;

/** A hostile value as a few harmless words for an error message. */
export function quote(value: unknown): string {
  if (typeof value === 'string') {
    const shown = value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value;
    return `'${shown.replace(/[\u0000-\u001f\u007f]/g, '?')}'`;
  }
  if (Array.isArray(value)) {
    return `a list of ${value.length}`;
  }
  return value !== null && typeof value === 'object' ? 'an object' : String(value).slice(0, LONGEST);
}
