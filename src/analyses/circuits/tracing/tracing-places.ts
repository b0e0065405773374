import type { PlacedPrompt } from '../../patching/measured-prompts';
import { shortText } from '../../short-text';

/** Where along the prompts effects are read. */
export interface TracingPlaces {
  /** Of the columns. */
  readonly names: readonly string[];
  /** Positions of a prompt's column. */
  positions(column: number, prompt: PlacedPrompt): readonly number[];
}

/** Positions one by one. Throws where the prompts differ in length. */
export function byPosition(prompts: readonly PlacedPrompt[]): TracingPlaces {
  const [{ clean }] = prompts;
  const other = prompts.find(prompt => prompt.clean.ids.length !== clean.ids.length);
  if (other) {
    throw new Error(
      `prompts of different lengths: prompts[0] has ${clean.ids.length} tokens, prompts[${other.index}] has ${other.clean.ids.length}, so that positions are not the same places (by 'role' they need not be)`
    );
  }
  return {
    names: clean.labels.map((label, at) => `${at} ${shortText(label, 14)}`),
    positions: column => [column]
  };
}

/** Roles of positions, after Meng et al. 2022: the tokens that differ between the two versions take the subject's place. */
const ROLES: readonly { readonly name: string; of(differs: readonly boolean[]): readonly number[] }[] = [
  { name: 'before the change', of: differs => unchanged(differs, 0, differs.indexOf(true)) },
  { name: 'first changed', of: differs => [differs.indexOf(true)] },
  { name: 'last changed', of: differs => [differs.lastIndexOf(true)] },
  { name: 'changed', of: differs => differs.flatMap((differ, at) => (differ ? [at] : [])) },
  { name: 'after the change', of: differs => unchanged(differs, differs.indexOf(true), differs.length - 1) },
  { name: 'last token', of: differs => [differs.length - 1] }
];

const unchanged = (differs: readonly boolean[], from: number, to: number): number[] =>
  differs.flatMap((differ, at) => (!differ && at >= from && at < to ? [at] : []));

/** Positions by what they are in their prompt; roles that one of the prompts does not have are left out. A causal model has nothing before the change. */
export function byRole(prompts: readonly PlacedPrompt[], causal: boolean): TracingPlaces {
  const roles = ROLES.filter(
    ({ name, of }) => !(causal && name === ROLES[0].name) && prompts.every(prompt => of(differences(prompt)).length > 0)
  );
  return {
    names: roles.map(({ name }) => name),
    positions: (column, prompt) => roles[column].of(differences(prompt))
  };
}

const differences = ({ clean, corrupted }: PlacedPrompt): boolean[] =>
  clean.ids.map((id, at) => id !== corrupted.ids[at]);

/** Prompts of one group whose columns are the same positions. */
export function samePlaces(places: TracingPlaces, sets: readonly (readonly PlacedPrompt[])[]): PlacedPrompt[][][] {
  const groups = new Map<string, PlacedPrompt[][]>();
  sets[0].forEach((_, at) => {
    const own = sets.map(set => set[at]);
    const key = own
      .map(prompt => places.names.map((__, column) => places.positions(column, prompt).join()).join('/'))
      .join('|');
    const group = groups.get(key) ?? sets.map((): PlacedPrompt[] => []);
    own.forEach((prompt, set) => group[set].push(prompt));
    groups.set(key, group);
  });
  return [...groups.values()];
}
