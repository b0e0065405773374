import type { CheckedPayload } from '../../report/validate-payload';

/** What the user chose, a line a field: 'text: Call me Ishmael'. Fields at their defaults are left out. */
export function specLines({ analysis, spec }: CheckedPayload): string[] {
  return Object.entries(analysis.spec).flatMap(([name, field]) => {
    const value: unknown = spec[name];
    return value === undefined || value === field.default ? [] : [`${name}: ${short(value)}`];
  });
}

function short(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 160 ? `${text.slice(0, 159)}…` : text;
}
