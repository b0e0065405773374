import { chooseSet } from '../../../src/analyses/prompts/choose-set';
import { AUTO, AUTO_ORDER, PROMPT_SETS } from '../../../src/analyses/prompts/sets';
import { fakeSubject } from '../fake-subject';
import { EVENTS, MEN, WOMEN } from '../../../src/analyses/prompts/words';
import { wordSubject } from './word-subject';

const NAMES = [...MEN, ...WOMEN, ...EVENTS];

test('every set has a place in the order, the one without words the last', () => {
  expect([...AUTO_ORDER].sort()).toEqual(PROMPT_SETS.map(({ id }) => id).sort());
  expect(AUTO_ORDER.at(-1)).toBe('induction');
});

test('where all words are tokens the first is taken', () => {
  const { request, made, passed } = chooseSet(wordSubject(), { set: AUTO, n: 3 });
  expect(request).toEqual({ set: 'ioi', counterfactual: 'flip', n: 3, seed: 0 });
  expect([made.prompts.length, passed]).toEqual([3, []]);
});

test('a set whose words are broken is passed over, with its reason', () => {
  const subject = wordSubject({ broken: word => NAMES.includes(word) });
  const { request, passed } = chooseSet(subject, { set: AUTO });
  expect(request).toEqual({ set: 'agreement', counterfactual: 'number', n: 8, seed: 0 });
  expect(passed.map(({ set }) => set)).toEqual(['ioi', 'greater-than']);
  expect(passed[0].why).toContain('none of the 72 names of');
});

test('without a tokenizer, random tokens', () => {
  const { request, passed } = chooseSet(fakeSubject({ layers: 1, heads: 1, vocabulary: 60 }), { set: AUTO, seed: 5 });
  expect(request).toEqual({ set: 'induction', counterfactual: 'successor', n: 8, seed: 5 });
  expect(passed).toHaveLength(6);
});

test('fewer than asked for are taken where no set makes as many', () => {
  const broken = wordSubject({
    broken: word => word.length > 2 && !['she', 'he', 'someone', 'Mary', 'John'].includes(word)
  });
  const none = { ...broken, maxPositions: 8 };
  const { request, made, passed } = chooseSet(none, { set: AUTO, n: 200 });
  expect(request.set).toBe('pronoun');
  expect(made.prompts.length).toBeGreaterThan(0);
  expect(made.prompts.length).toBeLessThan(200);
  expect(passed.map(({ set }) => set)).not.toContain('pronoun');
});

test('where none can be made the last reason is the error', () => {
  const tiny = fakeSubject({ layers: 1, heads: 1, vocabulary: 6 });
  expect(() => chooseSet(tiny, { set: AUTO })).toThrow("prompt set empty: 'fake' has 6 tokens");
});
