import { analyses } from '../../src/analyses';
import { makeBundle } from '../../src/report/bundle';
import { validatePayload } from '../../src/report/validate-payload';
import { samplePayload } from './sample';

const HOSTILE: readonly unknown[] = [null, -1, 0, 1e308, 2 ** 53, '"><script>', [], {}, true, 'AAAA'];
const MOST_LEAVES = 400;

type Path = readonly (string | number)[];

function leaves(value: unknown, path: Path = []): Path[] {
  return value !== null && typeof value === 'object'
    ? Object.entries(value).flatMap(([key, entry]) => leaves(entry, [...path, key]))
    : [path];
}

function replaced(value: unknown, [key, ...rest]: Path, by: unknown): unknown {
  if (key === undefined) {
    return by;
  }
  const copy = Array.isArray(value) ? [...value] : { ...(value as object) };
  Object.assign(copy, { [key]: replaced((value as Record<string | number, unknown>)[key], rest, by) });
  return copy;
}

describe('a saved result with one hostile value', () => {
  test.each(analyses.map(({ id }) => id))('%s: is drawn or refused in one sentence', async id => {
    const payload = await samplePayload(id, id === 'head-scores' ? { batch: 2, length: 4 } : {});
    let refused = 0;
    for (const path of leaves(payload.result).slice(0, MOST_LEAVES)) {
      for (const value of HOSTILE) {
        const hostile = { ...payload, result: replaced(payload.result, path, value) };
        let checked: ReturnType<typeof validatePayload> | undefined;
        try {
          checked = validatePayload(hostile);
        } catch (error) {
          refused++;
          expect((error as Error).message).toMatch(/^saved [^\n]+$/);
        }
        if (checked) {
          const { 'text/html': html } = makeBundle(checked).data;
          expect(html).not.toMatch(/<script|undefined|NaN/);
        }
      }
    }
    expect(refused).toBeGreaterThan(10);
  });
});
