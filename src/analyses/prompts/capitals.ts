import { pick, pickSeveral, type PromptSet } from './prompt-set';
import { CAPITALS, THINGS } from './words';

const TEMPLATES = [
  'The capital of {country} is the city of',
  'The capital of {country} is called',
  'The government of {country} sits in'
];

export const capitals: PromptSet = {
  id: 'capitals',
  title: 'Country and capital',
  reference: 'after Meng et al. 2022, arXiv 2202.05262, and Merullo et al. 2023, arXiv 2305.16130',
  counterfactuals: {
    country: 'another country, whose capital is the wrong answer',
    thing: 'no country but a thing; the wrong answer is another capital'
  },
  prepare(words, counterfactual) {
    const known = words();
    const countries = known.pairs('countries with their capitals', CAPITALS, 2);
    const things = known.keep('things', THINGS, 1);
    return random => {
      const template = pick(random, TEMPLATES);
      const [own, other] = pickSeveral(random, countries, 2);
      const thing = pick(random, things);
      const fill = (country: string): string => template.replace('{country}', country);
      return {
        clean: fill(own[0]),
        corrupted: fill(counterfactual === 'country' ? other[0] : thing),
        correct: [` ${own[1]}`],
        wrong: [` ${other[1]}`]
      };
    };
  }
};
