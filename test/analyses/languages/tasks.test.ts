import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { parseGroup } from '../../../src/analyses/languages/group';
import { hopsFrom } from '../../../src/analyses/languages/k-hop';
import type { Form, TaskOptions } from '../../../src/analyses/languages/language-task';
import { taskOf, TASKS, type TaskId } from '../../../src/analyses/languages/tasks';
import { random } from '../../../src/maths/random';
import { wilsonInterval } from '../../../src/maths/wilson-interval';

/** What test/fixtures/languages.py wrote. */
const oracle = JSON.parse(readFileSync(join(__dirname, '../../fixtures/analyses/languages.json'), 'utf8')) as {
  groups: { group: string; order: number; products: [number, number, number][] }[];
  hops: { hops: number; symbols: number[]; answers: number[] }[];
  intervals: [number, number, number, number][];
};

const options = (form: Form, more: Partial<TaskOptions> = {}): TaskOptions => ({
  form,
  size: 4,
  hops: 1,
  group: parseGroup('S3'),
  causal: false,
  ...more
});

const draws = (id: TaskId, length: number, given: TaskOptions, count = 200) => {
  const stream = random(11);
  return Array.from({ length: count }, () => taskOf(id).draw(stream, length, given));
};

describe('groups', () => {
  test.each(oracle.groups)('$group multiplies as sympy does', ({ group, order, products }) => {
    const own = parseGroup(group);
    expect(own.order).toBe(order);
    products.forEach(([a, b, product]) => expect(own.multiply(a, b)).toBe(product));
  });

  test('orders of the elements of S5 are those of its cycle types', () => {
    const { order, multiply } = parseGroup('S5');
    const orders = Array.from({ length: order }, (_, a) => {
      let [power, count] = [a, 1];
      for (; power !== 0; count++) {
        power = multiply(power, a);
      }
      return count;
    });
    const number = (wanted: number): number => orders.filter(one => one === wanted).length;
    expect([1, 2, 3, 4, 5, 6].map(number)).toEqual([1, 25, 20, 30, 24, 20]);
  });

  test('S5 and A5 are not solvable, the others are', () => {
    const solvable = (name: string): boolean => parseGroup(name).solvable;
    expect(['S3', 'S4', 'A4xZ5', 'Z60', 'A5', 'S5'].map(solvable)).toEqual([true, true, true, true, false, false]);
  });

  test.each([
    ['S6', "unknown group 'S6'"],
    ['', "unknown group ''"],
    ['Z0', "unknown group 'Z0'"],
    ['Z1', "group 'Z1' has 1 elements, 2 to 120 are possible"],
    ['S5xZ2', "group 'S5xZ2' has 240 elements"],
    ['Z2xZ1xZ1xZ1xZ1xZ1xZ1xZ1xZ1', 'has 2 elements']
  ])('%j is refused', (name, message) => {
    expect(() => parseGroup(name)).toThrow(message);
  });
});

test.each(oracle.hops)('$hops hops lead where str.rfind leads', ({ hops, symbols, answers }) => {
  expect(hopsFrom(symbols, hops).map(place => (place === undefined ? -1 : symbols[place]))).toEqual(answers);
});

test.each(oracle.intervals)('the interval of %i of %i is scipy’s', (k, n, low, high) => {
  const found = wilsonInterval(k / n, n);
  expect(found[0]).toBeCloseTo(low, 12);
  expect(found[1]).toBeCloseTo(high, 12);
});

describe('k-hop', () => {
  test('every sequence is asked something, no symbol follows itself', () => {
    for (const { symbols, at } of draws('k-hop', 8, options('positions', { hops: 2 }))) {
      expect(at.some(Boolean)).toBe(true);
      expect(symbols.slice(1).every((symbol, i) => symbol !== symbols[i])).toBe(true);
    }
  });

  test('sequences without such hops are refused', () => {
    expect(() => draws('k-hop', 6, options('continuation', { hops: 4, size: 26 }))).toThrow(
      'none of 500 sequences of 6 symbols has 4 hops from its end'
    );
    expect(taskOf('k-hop').fault(options('positions', { hops: 3 }), 4)).toBe('3 hops need at least 5 symbols');
    expect(taskOf('k-hop').fault(options('positions', { size: 1 }), 4)).toContain('one symbol alone');
  });
});

/** Takes pairs out until none is left: another definition of what is balanced. */
const balanced = (symbols: readonly number[]): boolean => {
  let word = symbols.map(symbol => '()[]'[symbol]).join('');
  for (let before = ''; before !== word;) {
    before = word;
    word = word.replace('()', '').replace('[]', '');
  }
  return word === '';
};
const shuffledBalanced = (symbols: readonly number[]): boolean =>
  [0, 2].every(kind => balanced(symbols.filter(symbol => symbol - (symbol % 2) === kind)));

describe.each([
  ['dyck', balanced],
  ['shuffle-dyck', shuffledBalanced]
] as const)('%s', (id, isBalanced) => {
  test('words are judged as by taking pairs out; about half are balanced', () => {
    const all = draws(id, 8, options('positions'));
    all.forEach(({ symbols, at }) => {
      expect(at.map(answer => answer!.right)).toEqual(symbols.map(() => [Number(isBalanced(symbols))]));
    });
    const share = all.filter(({ symbols }) => isBalanced(symbols)).length / all.length;
    // Binomial: 0.5 ± 0.035.
    expect(Math.abs(share - 0.5)).toBeLessThan(0.14);
  });

  test('a causal model is asked of what it has seen, where that can be balanced', () => {
    draws(id, 8, options('positions', { causal: true })).forEach(({ symbols, at }) =>
      at.forEach((answer, t) =>
        expect(answer?.right).toEqual(t % 2 ? [Number(isBalanced(symbols.slice(0, t + 1)))] : undefined)
      )
    );
  });

  test('the brackets that follow close the word; every right one can be completed, no other', () => {
    draws(id, 7, options('continuation'), 60).forEach(({ symbols, sequel }) => {
      expect(sequel.length).toBeGreaterThan(0);
      const written = sequel.map(({ right }) => right[0]);
      expect(isBalanced([...symbols, ...written])).toBe(true);
      sequel.forEach(({ choices, right }, at) => {
        expect(choices).toEqual([1, 3]);
        const before = [...symbols, ...written.slice(0, at)];
        expect([...right].sort()).toEqual(choices.filter(one => closes(before, one, isBalanced, sequel.length - at)));
      });
    });
  });

  test('odd lengths are never balanced, one kind is no question, symbols come in pairs', () => {
    const { fault } = taskOf(id);
    expect(fault(options('positions'), 5)).toBe('5 symbols are never balanced: lengths must be even');
    expect(fault(options('continuation', { size: 2 }), 4)).toContain('one kind of brackets');
    expect(fault(options('positions', { size: 3 }), 4)).toContain('brackets come in pairs');
  });
});

/** Some `left` closing brackets, this one first, make the word balanced. */
const closes = (
  before: readonly number[],
  first: number,
  isBalanced: (word: readonly number[]) => boolean,
  left: number
): boolean =>
  left === 1
    ? isBalanced([...before, first])
    : [1, 3].some(next => closes([...before, first], next, isBalanced, left - 1));

test('a shuffle leaves a choice, nesting does not', () => {
  const most = (id: TaskId): number =>
    Math.max(...draws(id, 7, options('continuation')).flatMap(({ sequel }) => sequel.map(({ right }) => right.length)));
  expect([most('dyck'), most('shuffle-dyck')]).toEqual([1, 2]);
});

describe('other functions of a sequence', () => {
  test('parity is the exclusive or so far, products are made from the left', () => {
    draws('parity', 6, options('positions', { size: 2 })).forEach(({ symbols, at }) =>
      expect(at.map(answer => answer!.right[0])).toEqual(
        symbols.map((_, t) => symbols.slice(0, t + 1).reduce((a, b) => a ^ b))
      )
    );
    const { multiply } = parseGroup('S3');
    draws('word-problem', 5, options('continuation', { size: 6 })).forEach(({ symbols, sequel }) =>
      expect(sequel.map(({ right }) => right)).toEqual([[symbols.reduce(multiply)]])
    );
  });

  test('different symbols are different', () => {
    draws('sorting-different', 4, options('continuation')).forEach(({ symbols, sequel }) => {
      expect(sequel.map(({ right }) => right[0])).toEqual([0, 1, 2, 3]);
      expect(new Set(symbols).size).toBe(4);
    });
  });

  test('equal seeds give equal sequences, lengths are as asked, answers are among those offered', () => {
    for (const id of TASKS) {
      const task = taskOf(id);
      for (const form of ['positions', 'continuation'] as const) {
        const given = options(form, { size: task.alphabet.size({ group: parseGroup('S3') }) });
        if (task.fault(given, 4) === undefined) {
          const made = draws(id, 4, given, 20);
          expect(draws(id, 4, given, 20)).toEqual(made);
          made.forEach(({ symbols, at, sequel }) => {
            expect(symbols.length).toBe(4);
            expect(symbols.every(symbol => symbol < given.size)).toBe(true);
            expect([at.length, sequel.length > 0]).toEqual(form === 'positions' ? [4, false] : [0, true]);
            expect(sequel.length).toBeLessThanOrEqual(task.sequel(4));
            [...at, ...sequel].forEach(answer =>
              expect(answer?.right.every(one => answer.choices.includes(one)) ?? true).toBe(true)
            );
          });
        }
      }
    }
  });

  test.each([
    ['copying', options('positions'), "'copying' asks for what the position itself holds"],
    ['reversal', options('positions', { causal: true }), 'the model is causal'],
    ['sorting-different', options('continuation', { size: 3 }), '4 different symbols are asked for'],
    ['counting', options('continuation'), "'counting' is asked of each symbol"],
    ['fraction', options('continuation'), "'fraction' is asked of each symbol"],
    ['parity', options('positions', { size: 3 }), 'Z2 has 2 elements, the alphabet has 3 symbols']
  ] as const)('%s refuses %j', (id, given, message) => {
    expect(taskOf(id).fault(given, 4)).toContain(message);
  });
});
