import type { CheckedPayload } from './validate-payload';

/** What the user chose, a line a field: 'text: Call me Ishmael'. Fields at their defaults are left out, but for what the model reads where `read` is set. */
export function specLines({ analysis, spec }: CheckedPayload, read = false): string[] {
  return Object.entries(analysis.spec).flatMap(([name, field]) => {
    const value: unknown = spec[name];
    const said = value !== field.default || (read && field.type === 'text' && field.read === true);
    return value === undefined || !said ? [] : [`${name}: ${short(value)}`];
  });
}

function short(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 160 ? `${text.slice(0, 159)}…` : text;
}
