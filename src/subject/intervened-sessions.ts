import type { Site, SiteInputs } from '../surgery/intervene';
import type { Session } from './session';

/** A model with sites, ready to run. */
export interface Intervened {
  readonly session: Session;
  readonly sites: readonly SiteInputs[];
}

export interface IntervenedSessions {
  /** Runs `work` with the session of these sites; makes it where it is not kept. */
  use<T>(sites: readonly Site[], work: (intervened: Intervened) => Promise<T>): Promise<T>;
  release(): Promise<void>;
}

interface Kept {
  readonly made: Promise<Intervened>;
  /** Settles when no work uses it any more. */
  idle: Promise<unknown>;
}

/** The runtime holds the weights again for each session. */
const MOST = 2;

/** One session for a set of sites, whatever is put there; the two used last are kept. */
export const intervenedSessions = (prepare: (sites: readonly Site[]) => Promise<Intervened>): IntervenedSessions => {
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
      const oldest = found === undefined && kept.size >= MOST ? [...kept.keys()][0] : undefined;
      const dropped = oldest === undefined ? undefined : drop(oldest);
      const entry = found ?? { made: Promise.resolve(dropped).then(() => prepare(sites)), idle: Promise.resolve() };
      kept.delete(key);
      kept.set(key, entry);
      const result = entry.made.then(work);
      entry.idle = Promise.allSettled([entry.idle, result]);
      entry.made.catch(() => kept.get(key) === entry && kept.delete(key));
      return result;
    },
    release: async () => {
      await Promise.all([...kept.keys()].map(drop));
    }
  };
};
