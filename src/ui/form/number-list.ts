const MOST = 10_000;

/** '0, 2-4' → [0, 2, 3, 4]; '' → undefined; a string says what cannot be read. */
export function readNumbers(text: string): readonly number[] | string | undefined {
  const parts = text.split(/[\s,;]+/u).filter(Boolean);
  const numbers: number[] = [];
  for (const part of parts) {
    const range = /^(\d{1,10})(?:[-–](\d{1,10}))?$/u.exec(part);
    const [first, last] = [Number(range?.[1]), Number(range?.[2] ?? range?.[1])];
    if (!range || last < first || last - first > MOST) {
      return part;
    }
    for (let number = first; number <= last; number++) {
      numbers.push(number);
    }
    if (numbers.length > MOST) {
      return part;
    }
  }
  return numbers.length ? numbers : undefined;
}

/** [0, 2, 3, 4] → '0, 2-4'. */
export function writeNumbers(numbers: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < numbers.length;) {
    let end = i;
    while (numbers[end + 1] === numbers[end] + 1) {
      end++;
    }
    parts.push(end > i + 1 ? `${numbers[i]}-${numbers[end]}` : numbers.slice(i, end + 1).join(', '));
    i = end + 1;
  }
  return parts.join(', ');
}
