import type { IntervenedSessions } from '../interventions/intervened-sessions';
import type { SubjectParts } from '../subject-parts';
import type { Feedable } from './feeds';

/** Every session reads rows as this subject does. */
export const readAs = (parts: SubjectParts): SubjectParts => {
  const { inputs } = parts.reading;
  const { session, intervened, makeSession, shuffle } = parts;
  return {
    ...parts,
    inputs,
    session: session.reading(inputs),
    intervened: readingSessions(intervened, inputs),
    makeSession: async model => (await makeSession(model)).reading(inputs),
    shuffle: async (seed, context) => {
      const made = await shuffle(seed, context);
      return { ...made, session: made.session.reading(inputs), intervened: readingSessions(made.intervened, inputs) };
    }
  };
};

const readingSessions = (sessions: IntervenedSessions, inputs: readonly Feedable[]): IntervenedSessions => ({
  ...sessions,
  use: (sites, work) => sessions.use(sites, made => work({ ...made, session: made.session.reading(inputs) }))
});
