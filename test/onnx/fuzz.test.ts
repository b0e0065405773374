import { faultOf, fuzzCase } from './fuzz';

const CASES = 2000;

// The tokenizers' library says what it skips.
beforeAll(() => void jest.spyOn(console, 'warn').mockImplementation(() => undefined));
afterAll(() => jest.restoreAllMocks());

test(`${CASES} files changed at random are read or refused in one sentence, within two seconds`, () => {
  const faults = [];
  let refused = 0;
  for (let seed = 0; seed < CASES; seed++) {
    const found = fuzzCase(seed);
    const fault = faultOf(found);
    refused += found.error === undefined ? 0 : 1;
    if (fault !== undefined) {
      faults.push(`seed ${seed}, ${found.file}, ${found.mutations.join(', ')}: ${fault}`);
    }
  }
  expect(faults).toEqual([]);
  // Both ends are met: most changes break a file, some touch nothing that is read.
  expect(refused).toBeGreaterThan(CASES / 4);
  expect(refused).toBeLessThan(CASES);
}, 120_000);
