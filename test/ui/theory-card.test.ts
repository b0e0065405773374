/** @jest-environment ./test/jsdom.cjs */
import { listAnalyses, theoryCard } from '../../src/report/list-analyses';
import { theoryCardNode } from '../../src/ui/picker/theory-card';
import type { Translate } from '../../src/ui/translate';

const trans = { __: (text: string) => text } as unknown as Translate;

test('the families of measures have a card of one screen, with a paper for each theorem', () => {
  for (const family of ['expressivity', 'generalisation', 'circuits'] as const) {
    expect(listAnalyses().some(one => one.family === family)).toBe(true);
    const node = theoryCardNode(theoryCard(family), trans)!;
    const words = node.textContent!.split(/\s+/);
    expect([words.length > 100, words.length < 260]).toEqual([true, true]);
    node.querySelectorAll('li').forEach(item => expect(item.textContent).toMatch(/(19|20)\d\d/));
    expect(node.tagName).toBe('DETAILS');
  }
});

test('a family without theorems has none', () => {
  expect(theoryCardNode(theoryCard('model'), trans)).toBeUndefined();
});
