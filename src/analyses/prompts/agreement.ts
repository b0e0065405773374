import { pick, pickSeveral, type PromptSet } from './prompt-set';
import { NOUNS } from './words';

/** Singular and plural of what follows. */
const VERBS: readonly (readonly [string, string])[] = [
  ['is', 'are'],
  ['was', 'were'],
  ['has', 'have']
];
const BETWEEN = ['near', 'behind', 'with', 'by'];

export const agreement: PromptSet = {
  id: 'agreement',
  title: 'Subject–verb agreement across another noun',
  reference: 'Linzen et al. 2016, arXiv 1611.01368; Finlayson et al. 2021, arXiv 2106.06087',
  counterfactuals: {
    number: 'the subject has the other number: the answers change places',
    noun: 'another subject, of the other number'
  },
  prepare(words, counterfactual) {
    const known = words();
    const nouns = known.pairs('nouns', NOUNS, 3);
    const verbs = known.pairs('verbs', VERBS, 1);
    return random => {
      const [subject, attractor, other] = pickSeveral(random, nouns, 3);
      const [verb, between] = [pick(random, verbs), pick(random, BETWEEN)];
      const number = random.below(2);
      const fill = (noun: string): string => `The ${noun} ${between} the ${attractor[1 - number]}`;
      const changed = counterfactual === 'number' ? subject : other;
      return {
        clean: fill(subject[number]),
        corrupted: fill(changed[1 - number]),
        correct: [` ${verb[number]}`],
        wrong: [` ${verb[1 - number]}`]
      };
    };
  }
};
