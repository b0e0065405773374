import { timeLeft } from '../../src/subject/sweeps/time-left';

test('says how long the rest takes, by what was done; nothing at the beginning and near the end', () => {
  let time = 0;
  const left = timeLeft(1000, () => time);
  const after = (seconds: number, done: number): number | undefined => {
    time = seconds * 1000;
    return left(done);
  };
  expect(after(1, 0)).toBeUndefined();
  expect(after(2, 50)).toBeUndefined();
  expect(after(10, 0)).toBeUndefined();
  expect(after(10, 100)).toBeCloseTo(90);
  expect(after(30, 500)).toBeCloseTo(30);
  expect(after(40, 900)).toBeCloseTo(40 / 9);
  expect(after(40, 990)).toBeUndefined();
});
