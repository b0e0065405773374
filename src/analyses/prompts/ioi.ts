import { pick, pickSeveral, type PromptSet } from './prompt-set';
import { MEN, OBJECTS, PLACES, WOMEN } from './words';

/** {A} and {B} are the two persons in either order, {S} is one of them again; all give as many tokens where their words are single ones. */
const TEMPLATES = [
  'When {A} and {B} went to the {place}, {S} gave a {object} to',
  'After {A} and {B} went to the {place}, {S} gave a {object} to',
  'While {A} and {B} were at the {place}, {S} gave a {object} to',
  'When {A} and {B} came to the {place}, {S} handed a {object} to',
  'Once {A} and {B} were at the {place}, {S} passed a {object} to'
];

export const ioi: PromptSet = {
  id: 'ioi',
  title: 'Indirect object: who is given something',
  reference: 'Wang et al. 2022, arXiv 2211.00593',
  counterfactuals: {
    flip: 'the other person gives: the answers change places',
    abc: 'three other persons, none named twice',
    third: 'a third person gives'
  },
  prepare(words, counterfactual) {
    const known = words();
    const names = known.keep('names', [...WOMEN, ...MEN], 5);
    const [places, objects] = [known.keep('places', PLACES, 1), known.keep('objects', OBJECTS, 1)];
    return random => {
      const [template, place, object] = [pick(random, TEMPLATES), pick(random, places), pick(random, objects)];
      const [io, s, ...others] = pickSeveral(random, names, 5);
      const fill = (a: string, b: string, giver: string): string =>
        template
          .replace('{A}', a)
          .replace('{B}', b)
          .replace('{S}', giver)
          .replace('{place}', place)
          .replace('{object}', object);
      const [a, b] = random.below(2) ? [io, s] : [s, io];
      const [x, y, z] = others;
      const corrupted = { flip: fill(a, b, io), abc: fill(x, y, z), third: fill(a, b, z) }[counterfactual]!;
      return { clean: fill(a, b, s), corrupted, correct: [` ${io}`], wrong: [` ${s}`] };
    };
  }
};
