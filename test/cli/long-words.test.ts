import { longWords } from '../../src/cli/long-words';

test.each([
  [29, undefined],
  [30, 'this will take about 30 seconds: the work of 8 forwards'],
  [150, 'this will take about 3 minutes: the work of 8 forwards'],
  [7200, 'this will take about 2 hours: the work of 8 forwards'],
  [1e6, 'this will take about 12 days: the work of 8 forwards']
])('%d seconds', (seconds, words) => {
  expect(longWords({ forwards: 2160, bytes: 1, work: 7.2, seconds })).toBe(words);
});

test('without a time nothing is said', () => {
  expect(longWords({ forwards: 3, bytes: 1 })).toBeUndefined();
});
