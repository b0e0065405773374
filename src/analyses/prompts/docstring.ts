import { pickSeveral, type PromptSet } from './prompt-set';
import { DESCRIPTIONS, IDENTIFIERS } from './words';

/** Arguments of the function, those that are described already, and the place of the answer. */
const [ARGUMENTS, DESCRIBED] = [5, 2];

export const docstring: PromptSet = {
  id: 'docstring',
  title: 'Docstring: the next argument to describe',
  reference: 'Heimersheim & Janiak 2023, A circuit for Python docstrings in a 4-layer attention-only transformer',
  counterfactuals: {
    'random-definition': 'the function has other arguments',
    'random-docstring': 'other arguments are described',
    'random-both': 'both'
  },
  prepare(words, counterfactual) {
    const known = words();
    const names = known.keep('argument names', IDENTIFIERS, 1 + 3 * ARGUMENTS);
    const said = known.keep('description words', DESCRIPTIONS, 2 + 2 * DESCRIBED);
    return random => {
      const [method, ...rest] = pickSeveral(random, names, 1 + 3 * ARGUMENTS);
      const [own, other, more] = [0, 1, 2].map(at => rest.slice(at * ARGUMENTS, (at + 1) * ARGUMENTS));
      const text = pickSeveral(random, said, 2 + 2 * DESCRIBED);
      const fill = (defined: readonly string[], described: readonly string[]): string => {
        const lines = described
          .slice(0, DESCRIBED)
          .map((name, at) => `    :param ${name}: ${text[2 + 2 * at]} ${text[3 + 2 * at]}`);
        return [
          `def ${method}(self, ${defined.join(', ')}):`,
          `    """${text[0]} ${text[1]}`,
          '',
          ...lines,
          '    :param'
        ].join('\n');
      };
      const corrupted = {
        'random-definition': fill(other, own),
        'random-docstring': fill(own, other),
        'random-both': fill(other, more)
      }[counterfactual]!;
      const answer = own[DESCRIBED];
      const wrong = own.filter(name => name !== answer).map(name => ` ${name}`);
      return { clean: fill(own, own), corrupted, correct: [` ${answer}`], wrong };
    };
  }
};
