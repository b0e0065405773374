/** @jest-environment ./test/jsdom.cjs */
import { progressLine } from '../../src/ui/progress-line';
import { trans } from './translate';

test('says what is done and, where it is known, how long the rest takes; in place, so that Cancel keeps its focus', () => {
  const at = document.createElement('div');
  const words = (): string | null | undefined => at.querySelector('.jp-orrery-progress > span')?.textContent;
  progressLine(at, { done: 0, total: 9, label: 'patch 1 of 9' }, trans, () => undefined);
  const cancel = at.querySelector('button');
  expect(words()).toBe('patch 1 of 9');
  progressLine(at, { done: 4, total: 9, label: 'patch 5 of 9', left: 74 }, trans, () => undefined);
  expect(words()).toBe('patch 5 of 9, about 2 min left');
  expect(at.querySelector('button')).toBe(cancel);
});
