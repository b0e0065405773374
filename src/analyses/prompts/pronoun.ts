import { pick, type PromptSet } from './prompt-set';
import { MEN, NOBODY, WOMEN } from './words';

const TEMPLATES = [
  "So {name} is a really good friend, isn't",
  "So {name} is a very good teacher, isn't",
  "Well, {name} is such a good cook, isn't"
];

export const pronoun: PromptSet = {
  id: 'pronoun',
  title: 'Gendered pronoun of a name',
  reference: 'Mathwin et al. 2023, Identifying a preliminary circuit for predicting gendered pronouns in GPT-2 small',
  counterfactuals: {
    gender: 'a name of the other gender: the answers change places',
    nobody: 'a word of no gender'
  },
  prepare(words, counterfactual) {
    const known = words();
    const names = [known.keep('women’s names', WOMEN, 1), known.keep('men’s names', MEN, 1)];
    const nobody = known.keep('words of no gender', NOBODY, 1);
    const [pair] = known.pairs('pronouns', [['she', 'he']], 1);
    return random => {
      const [template, gender] = [pick(random, TEMPLATES), random.below(2)];
      const own = pick(random, names[gender]);
      const other = counterfactual === 'gender' ? pick(random, names[1 - gender]) : pick(random, nobody);
      const fill = (name: string): string => template.replace('{name}', name);
      return {
        clean: fill(own),
        corrupted: fill(other),
        correct: [` ${pair[gender]}`],
        wrong: [` ${pair[1 - gender]}`]
      };
    };
  }
};
