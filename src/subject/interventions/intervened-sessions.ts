import type { Site, SiteInputs } from '../../surgery/intervene';
import type { Session } from '../session';

/** A model with sites, ready to run. */
export interface Intervened {
  readonly session: Session;
  readonly sites: readonly SiteInputs[];
}

export interface IntervenedSessions {
  /** Runs `work` with the session of these sites; makes it where it is not kept. */
  use<T>(sites: readonly Site[], work: (intervened: Intervened) => Promise<T>): Promise<T>;
  /** Whether a session of these sites is kept. */
  holds(sites: readonly Site[]): boolean;
  /** Of the sessions that are kept, and of as many as ever are. */
  bytes(): { readonly held: number; readonly most: number };
  release(): Promise<void>;
}

interface Kept {
  readonly made: Promise<Intervened>;
  /** Settles when no work uses it any more. */
  idle: Promise<unknown>;
}

/** The runtime holds the weights again for each session: two of a small model are kept, one of a large one. */
const MOST = 2;
const LARGE_BYTES = 2 ** 28;

/** One session for a set of sites, whatever is put there; those used last are kept. `weightBytes` is what each holds. */
export const intervenedSessions = (
  prepare: (sites: readonly Site[]) => Promise<Intervened>,
  weightBytes: number
): IntervenedSessions => {
  const most = weightBytes > LARGE_BYTES ? 1 : MOST;
  const kept = new Map<string, Kept>();
  const drop = async (key: string): Promise<void> => {
    const entry = kept.get(key);
    kept.delete(key);
    await entry?.idle;
    const made = await entry?.made.catch(() => undefined);
    await made?.session.release();
  };
  return {
    use: async (sites, work) => {
      const key = JSON.stringify(sites);
      const found = kept.get(key);
      const oldest = found === undefined && kept.size >= most ? [...kept.keys()][0] : undefined;
      const dropped = oldest === undefined ? undefined : drop(oldest);
      const entry = found ?? { made: Promise.resolve(dropped).then(() => prepare(sites)), idle: Promise.resolve() };
      kept.delete(key);
      kept.set(key, entry);
      const result = entry.made.then(work);
      entry.idle = Promise.allSettled([entry.idle, result]);
      entry.made.catch(() => kept.get(key) === entry && kept.delete(key));
      return result;
    },
    holds: sites => kept.has(JSON.stringify(sites)),
    bytes: () => ({ held: kept.size * weightBytes, most: most * weightBytes }),
    release: async () => {
      await Promise.all([...kept.keys()].map(drop));
    }
  };
};
