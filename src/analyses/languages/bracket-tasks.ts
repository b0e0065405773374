import type { Random } from '../../maths/random';
import { itself, only, type Answer, type Instance, type LanguageTask } from './language-task';

/** Opening brackets are even, each followed by the one that closes it. */
const isOpen = (symbol: number): boolean => symbol % 2 === 0;

/** What may close: in Dyck the latest open bracket, in a shuffle of Dyck-1 the latest of each kind. */
interface Open {
  open(symbol: number): void;
  /** False where nothing of this kind may close here. */
  close(symbol: number): boolean;
  /** Closing brackets that may come, in the order of kinds. */
  closers(): number[];
  readonly depth: number;
}

function nested(): Open {
  const stack: number[] = [];
  return {
    open: symbol => void stack.push(symbol + 1),
    close: symbol => stack[stack.length - 1] === symbol && stack.pop() !== undefined,
    closers: () => stack.slice(-1),
    get depth() {
      return stack.length;
    }
  };
}

function shuffled(): Open {
  const counts = new Map<number, number>();
  const add = (closer: number, by: number): void => void counts.set(closer, (counts.get(closer) ?? 0) + by);
  return {
    open: symbol => add(symbol + 1, 1),
    close: symbol => (counts.get(symbol) ?? 0) > 0 && (add(symbol, -1), true),
    closers: () => [...counts].flatMap(([closer, count]) => (count > 0 ? [closer] : [])).sort((a, b) => a - b),
    get depth() {
      return [...counts.values()].reduce((sum, count) => sum + count, 0);
    }
  };
}

/** In the form 'positions': is it balanced (in a causal model so far, at even lengths)? In 'continuation': the brackets that close what is open. */
const brackets = (task: Pick<LanguageTask, 'id' | 'theorem' | 'assumes'>, make: () => Open): LanguageTask => ({
  ...task,
  alphabet: { names: 'brackets', size: () => 4 },
  answers: ({ form }) => (form === 'positions' ? ['no', 'yes'] : 'symbols'),
  fault({ form, size }, length) {
    if (size % 2 !== 0) {
      return `brackets come in pairs, the alphabet has ${size} symbols`;
    }
    if (form === 'positions') {
      return length % 2 !== 0 ? `${length} symbols are never balanced: lengths must be even` : undefined;
    }
    return size < 4 ? 'one kind of brackets can be closed in one way only: give two kinds or more' : undefined;
  },
  sequel: itself,
  draw: (stream, length, { form, size, causal }) =>
    form === 'positions' ? judged(stream, length, size, causal, make) : toClose(stream, length, size, make),
  value: itself
});

function judged(stream: Random, length: number, size: number, causal: boolean, make: () => Open): Instance {
  const balanced = balancedWord(stream, length, size, make);
  const symbols = stream.below(2) === 0 ? balanced : spoilt(stream, balanced, size, make);
  const at = symbols.map((_, t): Answer | undefined =>
    causal && t % 2 === 0 ? undefined : only(Number(isBalanced(causal ? symbols.slice(0, t + 1) : symbols, make)), 2)
  );
  return { symbols, at, sequel: [] };
}

function isBalanced(symbols: readonly number[], make: () => Open): boolean {
  const state = make();
  return (
    symbols.every(symbol => (isOpen(symbol) ? (state.open(symbol), true) : state.close(symbol))) && state.depth === 0
  );
}

/** Opens or closes at random, as far as it must not do either. */
function balancedWord(stream: Random, length: number, size: number, make: () => Open): number[] {
  const state = make();
  return Array.from({ length }, (_, t) => {
    const mustOpen = state.depth === 0;
    const mustClose = state.depth === length - t;
    return step(stream, state, size, mustOpen || (!mustClose && stream.below(2) === 0));
  });
}

function step(stream: Random, state: Open, size: number, open: boolean): number {
  if (open) {
    const symbol = 2 * stream.below(size / 2);
    state.open(symbol);
    return symbol;
  }
  const closers = state.closers();
  const symbol = closers[stream.below(closers.length)];
  state.close(symbol);
  return symbol;
}

/** One symbol after the other is changed until the word is not balanced: it stays near to one that is. */
function spoilt(stream: Random, word: readonly number[], size: number, make: () => Open): number[] {
  const symbols = [...word];
  do {
    symbols[stream.below(symbols.length)] = stream.below(size);
  } while (isBalanced(symbols, make));
  return symbols;
}

/** The beginning of a word, something open at its end, then all that closes it, in an order drawn where there are several. */
function toClose(stream: Random, length: number, size: number, make: () => Open): Instance {
  const state = make();
  const symbols = Array.from({ length }, (_, t) => {
    const last = t === length - 1;
    return step(stream, state, size, state.depth === 0 || (last && state.depth === 1) || stream.below(2) === 0);
  });
  const choices = Array.from({ length: size / 2 }, (_, kind) => 2 * kind + 1);
  const sequel: Answer[] = [];
  while (state.depth > 0) {
    const may = state.closers();
    const written = may[stream.below(may.length)];
    state.close(written);
    sequel.push({ choices, right: [written, ...may.filter(one => one !== written)] });
  }
  return { symbols, at: [], sequel };
}

export const bracketTasks: readonly LanguageTask[] = [
  brackets(
    {
      id: 'dyck',
      theorem:
        'Nesting of two kinds of brackets without bound is not recognised by hard attention (Hahn 2020); up to depth D it is, by D + 1 layers of hard attention or by two of soft attention, with O(log k) memory a token for k kinds (Yao et al. 2021).',
      assumes: ['hard']
    },
    nested
  ),
  brackets(
    {
      id: 'shuffle-dyck',
      theorem:
        'A shuffle of k counters is recognised at all lengths by one causal layer (Bhattamishra, Ahuja & Goyal 2020); RASP has a program for it (Weiss et al. 2021).',
      assumes: ['norms']
    },
    shuffled
  )
];
