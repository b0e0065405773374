import type { Anatomy, Hook } from '../anatomy';
import type { Certificate, Identity, Place } from './certificate';
import { failed } from './certify';
import { DEPENDENCIES, OF_EVERY_HOOK, TOO_WEAK_ALONE } from './dependencies';

/**
 * The anatomy with every hook judged by the places where it was read: unavailable when an identity that it depends on fails there,
 * unverified when one could not be checked there or none was, else verified.
 */
export const applyCertificate = (anatomy: Anatomy, { identities, level }: Certificate): Anatomy => ({
  ...anatomy,
  hooks: anatomy.hooks.map(hook => judge(hook, identities, level))
});

interface Seen {
  readonly name: string;
  readonly place: Place;
}

const judge = (hook: Hook, identities: readonly Identity[], level: Certificate['level']): Hook => {
  if (!hook.source) {
    return hook;
  }
  const wanted = dependenciesOf(hook.name);
  const seen = identities.flatMap(({ name, places = [] }) =>
    wanted.includes(name)
      ? places.flatMap(place => ((place.hooks?.includes(hook.name) ?? true) ? [{ name, place }] : []))
      : []
  );
  const wrong = seen.find(({ place }) => failed(place));
  if (wrong) {
    const { source: _, ...rest } = hook;
    return { ...rest, status: 'unavailable', why: failure(wrong) };
  }
  const open = seen.find(({ place }) => place.why !== undefined);
  if (open || seen.every(({ name }) => TOO_WEAK_ALONE.includes(name) || OF_EVERY_HOOK.includes(name))) {
    const why = open
      ? `identity '${open.name}' could not be checked: ${open.place.at}: ${open.place.why}`
      : `no identity of the ${level} certificate covers it in this model`;
    return { ...hook, status: 'unverified', why };
  }
  const { why: _, ...rest } = hook;
  return { ...rest, status: 'verified' };
};

const failure = ({ name, place: { at, error, because } }: Seen): string =>
  `identity '${name}' fails at ${at}${because === undefined ? ` by ${error}` : `, where ${because}`}`;

/** Of several hooks of one kind. */
const NUMBER = /\.\d+$/;

const dependenciesOf = (name: string): readonly string[] => [
  ...OF_EVERY_HOOK,
  ...(DEPENDENCIES.find(([end]) => name.replace(NUMBER, '').endsWith(end))?.[1] ?? [])
];
