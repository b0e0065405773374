import { itself, only, type LanguageTask } from './language-task';
import { parseGroup, type Group } from './group';

/** Products of the elements so far; the answer behind the sequence is that of all. */
const wordProblem = (
  task: Pick<LanguageTask, 'id' | 'theorem' | 'assumes'>,
  groupOf: (options: { readonly group: Group }) => Group
): LanguageTask => ({
  ...task,
  alphabet: { names: 'letters', size: options => groupOf(options).order },
  answers: () => 'symbols',
  fault(options) {
    const { name, order } = groupOf(options);
    return options.size === order
      ? undefined
      : `${name} has ${order} elements, the alphabet has ${options.size} symbols`;
  },
  sequel: () => 1,
  draw(stream, length, options) {
    const group = groupOf(options);
    const symbols = Array.from({ length }, () => stream.below(group.order));
    let state: number | undefined;
    const states = symbols.map(symbol => (state = state === undefined ? symbol : group.multiply(state, symbol)));
    const answers = states.map(one => only(one, group.order));
    return options.form === 'positions'
      ? { symbols, at: answers, sequel: [] }
      : { symbols, at: [], sequel: answers.slice(-1) };
  },
  value: itself
});

const TWO = parseGroup('Z2');

/** Following a state through a sequence of changes. */
export const stateTasks: readonly LanguageTask[] = [
  wordProblem(
    {
      id: 'parity',
      theorem:
        'The influence of one symbol on a transformer’s output falls as 1/n where its parts are Lipschitz, so that parity is not decided with fixed confidence at all lengths, and by hard attention not at all (Hahn 2020); it is in TC⁰, and with layer norm and growing weights it can be written down by hand (Chiang & Cholak 2022).',
      assumes: ['hard', 'norms']
    },
    () => TWO
  ),
  wordProblem(
    {
      id: 'word-problem',
      theorem:
        'Transformers of logarithmic precision are in TC⁰ (Merrill & Sabharwal 2023); the word problem of a group that is not solvable, such as S5 or A5, is complete for NC¹ (Barrington 1989), so that unless TC⁰ = NC¹ no fixed depth follows it at all lengths. O(log n) layers do for every automaton, O(1) for solvable groups (shortcuts: Liu et al. 2023).',
      assumes: []
    },
    ({ group }) => group
  )
];
