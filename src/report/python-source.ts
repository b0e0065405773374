import type { CheckedPayload } from './validate-payload';

const WIDEST = 100;

/**
 * Python that gives this output again, for `import jupyterlab_orrery`. Fields at their defaults are left out, but for
 * what the model reads. Undefined where the
 * model was dropped on the page: it has no path.
 */
export function pythonSource({ analysis, payload, spec }: CheckedPayload): string | undefined {
  const { path } = payload.model;
  if (path === undefined) {
    return undefined;
  }
  const given = Object.entries(analysis.spec).flatMap(([name, field]) => {
    const value: unknown = spec[name];
    const isInput = field.type === 'text' || field.type === 'prompts';
    const usual = !isInput && JSON.stringify(value) === JSON.stringify(field.default);
    return value === undefined || usual ? [] : [`${snakeCase(name)}=${literal(value)}`];
  });
  const seed = payload.seed === 0 ? [] : [`seed=${payload.seed}`];
  const method = `model.${analysis.id.replaceAll('-', '_')}`;
  const call = (parts: readonly string[]): string => `${method}(${parts.join(', ')})`;
  const parts = [...given, ...seed];
  const inline = call(parts);
  const shown = inline.length <= WIDEST ? inline : `${method}(\n${parts.map(part => `    ${part},\n`).join('')})`;
  const last = analysis.id === 'model-card' ? 'model' : shown;
  return `import jupyterlab_orrery as orrery\n\nmodel = orrery.load(${literal(path)})\n${last}`;
}

/** As the Python package names fields: topK → top_k. */
const snakeCase = (name: string): string => name.replace(/(?<=[a-z0-9])([A-Z])/g, '_$1').toLowerCase();

/** A Python literal; strings as JSON writes them are Python's too. */
function literal(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(literal).join(', ')}]`;
  }
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
    return `{${entries.map(([key, entry]) => `${literal(key)}: ${literal(entry)}`).join(', ')}}`;
  }
  return typeof value === 'boolean' ? (value ? 'True' : 'False') : value === null ? 'None' : JSON.stringify(value);
}
