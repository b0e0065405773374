import type { Random } from '../../maths/random';
import {
  counting,
  itself,
  only,
  type Answer,
  type Instance,
  type LanguageTask,
  type TaskOptions
} from './language-task';

const WEISS =
  'A constant number of layers does it for all lengths with position codes of enough precision (RASP: Weiss, Goldberg & Yahav 2021).';
/** RASP selects tokens and averages over them, with no norm between. */
const RASP = ['hard', 'norms'] as const;

/** Rearranges: the answers are the symbols in another order. */
const rearranging = (
  task: Pick<LanguageTask, 'id' | 'theorem' | 'assumes'> & {
    readonly arrange: (symbols: readonly number[]) => readonly number[];
    readonly draw?: (stream: Random, length: number, size: number) => readonly number[];
    readonly fault?: LanguageTask['fault'];
  }
): LanguageTask => ({
  ...task,
  alphabet: { names: 'letters', size: () => 8 },
  answers: () => 'symbols',
  fault: (options, length) => task.fault?.(options, length) ?? needsAll(task.id, options),
  sequel: itself,
  draw(stream, length, { size, form }) {
    const symbols = (task.draw ?? anySymbols)(stream, length, size);
    return placed(
      symbols,
      form === 'positions',
      task.arrange(symbols).map(one => only(one, size))
    );
  },
  value: itself
});

const placed = (symbols: readonly number[], here: boolean, answers: readonly Answer[]): Instance =>
  here ? { symbols, at: answers, sequel: [] } : { symbols, at: [], sequel: answers };

const needsAll = (id: string, { form, causal }: TaskOptions): string | undefined =>
  form === 'positions' && causal
    ? `'${id}' at each position needs what comes after it, and the model is causal (form 'continuation')`
    : undefined;

const anySymbols = (stream: Random, length: number, size: number): number[] =>
  Array.from({ length }, () => stream.below(size));

/** Without replacement. */
function different(stream: Random, length: number, size: number): number[] {
  const left = [...counting(size)];
  return Array.from({ length }, () => left.splice(stream.below(left.length), 1)[0]);
}

const sorted = (symbols: readonly number[]): number[] => [...symbols].sort((a, b) => a - b);

const tooFew = ({ size }: TaskOptions, length: number): string | undefined =>
  length > size ? `${length} different symbols are asked for, the alphabet has ${size}` : undefined;

const copying = rearranging({
  id: 'copying',
  theorem:
    'Two layers with an induction mechanism copy sequences of a length exponential in the width, which a state of fixed size cannot (Jelassi et al. 2024).',
  assumes: ['norms'],
  arrange: symbols => symbols,
  fault: ({ form }) =>
    form === 'positions'
      ? "'copying' asks for what the position itself holds; what is read is behind the sequence (form 'continuation')"
      : undefined
});

const reversal = rearranging({
  id: 'reversal',
  theorem: `${WEISS} Reversing needs the length, so that two attention layers follow one another.`,
  assumes: RASP,
  arrange: symbols => [...symbols].reverse()
});

const sorting = rearranging({
  id: 'sorting',
  theorem: `${WEISS} Sorting counts smaller symbols.`,
  assumes: RASP,
  arrange: sorted
});

const sortingDifferent = rearranging({
  id: 'sorting-different',
  theorem: `${WEISS} Without ties, one head counts the smaller symbols and one fetches.`,
  assumes: RASP,
  arrange: sorted,
  draw: different,
  fault: tooFew
});

/** The questions of a sequence have as many answers as it has symbols. */
const MOST_COUNTED = 1024;
const tooLong = (id: string, length: number): string | undefined =>
  length > MOST_COUNTED ? `'${id}' is asked of at most ${MOST_COUNTED} symbols` : undefined;

const COUNTS = 'one two three four five six seven eight nine ten eleven twelve'.split(' ');

/** How often the symbol of each position occurs, in a causal model so far. */
const counts: LanguageTask = {
  id: 'counting',
  theorem: `${WEISS} One head that attends to equal symbols and to one fixed position gives 1/(1 + n), which an MLP turns into n; the width of that MLP bounds n.`,
  assumes: RASP,
  alphabet: { names: 'letters', size: () => 8 },
  answers: (_, longest) =>
    [
      ...COUNTS,
      ...counting(longest)
        .map(n => String(n + 1))
        .slice(COUNTS.length)
    ].slice(0, longest),
  fault: ({ form }, length) =>
    form === 'continuation' ? "'counting' is asked of each symbol (form 'positions')" : tooLong('counting', length),
  sequel: () => 0,
  draw(stream, length, { size, causal }) {
    const symbols = anySymbols(stream, length, size);
    const at = symbols.map((symbol, t) => {
      const seen = causal ? symbols.slice(0, t + 1) : symbols;
      return only(seen.filter(other => other === symbol).length - 1, length);
    });
    return { symbols, at, sequel: [] };
  },
  value: choice => choice + 1
};

/** The share of the first symbol of the alphabet so far: a number. */
const fraction: LanguageTask = {
  id: 'fraction',
  theorem:
    'One head that attends evenly to what came before gives the share of a symbol exactly; all that can be counted so is in TC⁰ (Merrill & Sabharwal 2023).',
  assumes: ['norms'],
  alphabet: { names: 'letters', size: () => 3 },
  answers: () => ['share'],
  fault: ({ form }, length) =>
    form === 'continuation' ? "'fraction' is asked of each symbol (form 'positions')" : tooLong('fraction', length),
  sequel: () => 0,
  draw(stream, length, { size }) {
    const symbols = anySymbols(stream, length, size);
    const at = symbols.map((_, t) => only(symbols.slice(0, t + 1).filter(symbol => symbol === 0).length, t + 2));
    return { symbols, at, sequel: [] };
  },
  value: (choice, position) => choice / (position + 1)
};

/** What is done to a sequence as a whole. */
export const sequenceTasks: readonly LanguageTask[] = [copying, reversal, sorting, sortingDifferent, counts, fraction];
