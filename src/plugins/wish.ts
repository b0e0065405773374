import type { Meant } from './insert-analysis';

type Wish = Omit<Meant, 'dropped'>;

const KEY = 'jupyterlab-orrery:wish';
/** Milliseconds within which the page has to come. */
const LIFETIME = 60_000;
const LONGEST_PATH = 1024;

/** What the user meant in a notebook that the host opens in a page of its own. `server` is the address of Jupyter's server: several may share an origin. */
export function keepWish(server: string, notebook: string, wish: Wish): void {
  localStorage.setItem(KEY, JSON.stringify({ server, notebook, wish, until: Date.now() + LIFETIME }));
}

/** The wish that was kept for this notebook, once; undefined where there is none, or where it is too old. */
export function takeWish(server: string, notebook: string): Wish | undefined {
  const kept = parsed(localStorage.getItem(KEY));
  if (kept?.server !== server || kept.notebook !== notebook) {
    return undefined;
  }
  localStorage.removeItem(KEY);
  return typeof kept.until === 'number' && Date.now() <= kept.until ? wishOf(kept.wish) : undefined;
}

function parsed(text: string | null): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function wishOf(value: unknown): Wish | undefined {
  const { model, layer, head } = (value ?? {}) as Record<string, unknown>;
  return typeof model === 'string' && model.length <= LONGEST_PATH
    ? { model, ...(isIndex(layer) && { layer }), ...(isIndex(head) && { head }) }
    : undefined;
}

const isIndex = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;
