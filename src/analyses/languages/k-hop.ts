import type { Random } from '../../maths/random';
import { itself, only, type Instance, type LanguageTask } from './language-task';

const DRAWS = 500;

/**
 * From each position to the symbol behind the latest earlier occurrence of its symbol, k times. A position whose hops lead nowhere is not asked; no symbol
 * follows itself, as in the paper's data.
 */
export const kHop: LanguageTask = {
  id: 'k-hop',
  theorem:
    'O(log k) layers suffice for k hops, and Ω(log k) are needed if the one-or-two-cycles conjecture holds: trained models of L layers reach about k = 2^(L−2) (Sanford, Hsu & Telgarsky 2024).',
  assumes: ['norms'],
  alphabet: { names: 'letters', size: () => 4 },
  answers: () => 'symbols',
  fault: ({ size, hops }, length) =>
    size < 2
      ? 'no symbol follows itself, which one symbol alone would'
      : length < hops + 2
        ? `${hops} hops need at least ${hops + 2} symbols`
        : undefined,
  sequel: () => 1,
  draw(stream, length, { size, hops, form }) {
    for (let tried = 0; tried < DRAWS; tried++) {
      const made = instance(symbolsOf(stream, length, size), size, hops);
      if (form === 'positions' ? made.at.some(Boolean) : made.sequel.length > 0) {
        return form === 'positions' ? { ...made, sequel: [] } : { ...made, at: [] };
      }
    }
    throw new Error(
      `none of ${DRAWS} sequences of ${length} symbols has ${hops} hops${form === 'positions' ? '' : ' from its end'}: give longer ones, fewer hops or fewer symbols`
    );
  },
  value: itself
};

/** Both forms at once. */
function instance(symbols: readonly number[], size: number, hops: number): Instance {
  const at = hopsFrom(symbols, hops).map(place => (place === undefined ? undefined : only(symbols[place], size)));
  const last = at[at.length - 1];
  return { symbols, at, sequel: last ? [last] : [] };
}

/** Where each position's hops lead; undefined where a symbol on the way did not occur before. */
export function hopsFrom(symbols: readonly number[], hops: number): (number | undefined)[] {
  const latest = new Map<number, number>();
  const next = symbols.map((symbol, at) => {
    const found = latest.get(symbol);
    latest.set(symbol, at);
    return found === undefined ? undefined : found + 1;
  });
  return symbols.map((_, start) => {
    let place: number | undefined = start;
    for (let hop = 0; hop < hops && place !== undefined; hop++) {
      place = next[place];
    }
    return place;
  });
}

function symbolsOf(stream: Random, length: number, size: number): number[] {
  const symbols = [stream.below(size)];
  while (symbols.length < length) {
    const last = symbols[symbols.length - 1];
    const drawn = stream.below(size - 1);
    symbols.push(drawn < last ? drawn : drawn + 1);
  }
  return symbols;
}
