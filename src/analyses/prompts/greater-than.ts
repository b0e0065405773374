import type { Random } from '../../maths/random';
import { pick, type PromptSet } from './prompt-set';
import type { SingleWords } from './single-words';
import { EVENTS } from './words';

/** Years up to which, and from which, the answers on a side are at most 64. */
const [FIRST, LAST] = [36, 63];

const two = (year: number): string => String(year).padStart(2, '0');

const START = 'The war lasted from the year 1743 to the year 17';

/** The endings that are one token behind the century: two digits, or the first of them where digits are tokens. */
function endings(words: SingleWords): { readonly all: readonly string[]; readonly of: (year: number) => string } {
  const [pairs, digits] = [
    Array.from({ length: 100 }, (_, year) => two(year)),
    Array.from({ length: 10 }, (_, digit) => String(digit))
  ];
  // Some years are one token of their own: their endings fall out.
  const single = (all: readonly string[], most: number): boolean =>
    all.filter(ending => words.added(START, ending) === undefined).length <= most;
  if (single(pairs, 20)) {
    return { all: pairs, of: two };
  }
  if (single(digits, 0)) {
    return { all: digits, of: year => two(year)[0] };
  }
  throw new Error(
    "prompt set empty: neither two digits nor one are a single token behind '17', so that 'greater-than' has no answers"
  );
}

export const greaterThan: PromptSet = {
  id: 'greater-than',
  title: 'Greater than: a year that ends later',
  reference: 'Hanna et al. 2023, arXiv 2305.00586',
  counterfactuals: {
    first: 'the event begins in 01, so that every ending is later',
    random: 'the event begins in another year of the century'
  },
  prepare(words, counterfactual) {
    const known = words();
    const events = known.keep('events', EVENTS, 1);
    const { all, of } = endings(known);
    return (random: Random) => {
      const event = pick(random, events);
      const century = 11 + random.below(7);
      const year = FIRST + random.below(LAST - FIRST + 1);
      const other = counterfactual === 'first' ? 1 : 2 + random.below(97);
      const fill = (begin: number): string =>
        `The ${event} lasted from the year ${century}${two(begin)} to the year ${century}`;
      // Where the tens are equal the next digit decides: that ending is on neither side.
      const equal = of(year);
      return {
        clean: fill(year),
        corrupted: fill(other),
        correct: all.filter(ending => ending > equal),
        wrong: all.filter(ending => ending < equal || (ending === equal && equal.length === 2))
      };
    };
  }
};
