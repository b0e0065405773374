import { quote } from '../quote';

/** A finite group; elements are 0 … order − 1. */
export interface Group {
  readonly name: string;
  readonly order: number;
  /** Its word problem is in TC⁰ where it is solvable, complete for NC¹ where not (Barrington 1989). */
  readonly solvable: boolean;
  /** First `a`, then `b`. */
  multiply(a: number, b: number): number;
}

/** Largest order: that of S5. */
export const MOST_ELEMENTS = 120;
const FACTOR = /^(?:([SA])([2-5])|Z([1-9]\d{0,2}))$/;

/**
 * 'S3', 'A5', 'Z60', and products of such: 'A4xZ5'. Permutations are numbered in the alphabetical order of their lists of images, and p · q is p, then q;
 * numbers of Zn are themselves, added; of a product (a, b) has the number a · |B| + b. Throws for other names and for more than 120 elements.
 */
export function parseGroup(name: string): Group {
  const factors = name.trim().split('x').map(factorOf);
  const order = factors.reduce((product, factor) => product * factor.order, 1);
  if (factors.length > 8 || order > MOST_ELEMENTS || order < 2) {
    throw new Error(`group ${quote(name)} has ${order} elements, 2 to ${MOST_ELEMENTS} are possible`);
  }
  return factors.reduce(product);

  function factorOf(text: string): Group {
    const [, letter, degree, modulus] = FACTOR.exec(text) ?? [];
    if (modulus === undefined && letter === undefined) {
      throw new Error(
        `unknown group ${quote(name)} (S2 to S5, A3 to A5, Z and a number, products of them with x: 'A4xZ5')`
      );
    }
    return modulus === undefined ? permutations(letter, Number(degree)) : cyclic(Number(modulus));
  }
}

const cyclic = (n: number): Group => ({
  name: `Z${n}`,
  order: n,
  solvable: true,
  multiply: (a, b) => (a + b) % n
});

function permutations(letter: string, degree: number): Group {
  const even = (images: readonly number[]): boolean =>
    images.reduce((sum, a, i) => sum + images.slice(i + 1).filter(b => b < a).length, 0) % 2 === 0;
  const elements = arrangements(degree).filter(images => letter === 'S' || even(images));
  const numbers = new Map(elements.map((images, at) => [images.join(), at]));
  const table = elements.map(p => elements.map(q => numbers.get(p.map(image => q[image]).join())!));
  return {
    name: `${letter}${degree}`,
    order: elements.length,
    solvable: degree < 5,
    multiply: (a, b) => table[a][b]
  };
}

/** Of 0 … n − 1, in alphabetical order. */
function arrangements(n: number): number[][] {
  const all = (left: readonly number[]): number[][] =>
    left.length === 0
      ? [[]]
      : left.flatMap(first => all(left.filter(one => one !== first)).map(rest => [first, ...rest]));
  return all(Array.from({ length: n }, (_, i) => i));
}

const product = (a: Group, b: Group): Group => ({
  name: `${a.name}x${b.name}`,
  order: a.order * b.order,
  solvable: a.solvable && b.solvable,
  multiply: (x, y) =>
    a.multiply(Math.floor(x / b.order), Math.floor(y / b.order)) * b.order + b.multiply(x % b.order, y % b.order)
});
