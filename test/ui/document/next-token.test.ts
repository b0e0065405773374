/** @jest-environment ./test/jsdom.cjs */
import type { NextAsk, NextTokens } from '../../../src/subject/generate/next-tokens';
import { nextToken } from '../../../src/ui/document/next-token';
import { trans } from '../translate';

const NEXT: NextTokens = {
  candidates: [
    { id: 7, label: '·mat', probability: 0.5 },
    { id: 9, label: '·<b>', probability: 0.25 }
  ],
  kept: 40,
  drawn: 9,
  continuation: ''
};

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

function setUp() {
  const asked: NextAsk[] = [];
  const client = {
    next: async (ask: NextAsk) => {
      asked.push(ask);
      return { ...NEXT, continuation: ask.added.map(id => ` ${id}`).join('') };
    }
  };
  const { node, show } = nextToken(client, trans);
  const settle = (): Promise<void> => jest.advanceTimersByTimeAsync(1000);
  const press = async (name: string): Promise<void> => {
    [...node.querySelectorAll('button')].find(({ textContent }) => textContent === name)!.click();
    await settle();
  };
  return { asked, node, show, settle, press };
}

test('nothing runs before it is asked for; from then on a text is followed, once it rests', async () => {
  const { asked, node, show, settle, press } = setUp();
  show('a');
  await settle();
  expect(asked).toEqual([]);
  await press('Predict the next token');
  expect(asked).toMatchObject([{ text: 'a', added: [], temperature: 1, topK: 0, topP: 1 }]);
  expect(node.querySelector('[role=status]')?.textContent).toContain('40 tokens are drawn from');
  show('a b');
  show('a b c');
  await settle();
  expect(asked.slice(1).map(({ text }) => text)).toEqual(['a b c']);
});

test('a slider says what it is, and asks anew', async () => {
  const { asked, node, press, settle } = setUp();
  await press('Predict the next token');
  const [temperature, topK] = node.querySelectorAll('input');
  expect(topK.getAttribute('aria-valuetext')).toBe('all');
  temperature.value = '0.4';
  temperature.dispatchEvent(new Event('input'));
  topK.value = '5';
  topK.dispatchEvent(new Event('input'));
  await settle();
  expect(asked.slice(1)).toMatchObject([{ temperature: 0.4, topK: 5 }]);
  expect(node.querySelectorAll('output')[1].textContent).toBe('5');
});

test('a token is taken by a click or drawn, and cleared; another text begins anew; labels are text', async () => {
  const { asked, node, show, press, settle } = setUp();
  await press('Predict the next token');
  node.querySelector<HTMLElement>('li:nth-child(2) button')!.click();
  await settle();
  await press('Draw a token');
  expect(asked.at(-1)?.added).toEqual([9, 9]);
  expect(node.textContent).toContain(' 9 9');
  await press('Clear what was added');
  expect(asked.at(-1)?.added).toEqual([]);
  await press('Draw a token');
  show('other');
  await settle();
  expect(asked.at(-1)).toMatchObject({ text: 'other', added: [] });
  expect(node.querySelector('li b')).toBeNull();
});

test('why there is none is one sentence', async () => {
  const { node, show } = nextToken({ next: () => Promise.reject(new Error('generation too long: 9 tokens')) }, trans);
  show('a');
  node.querySelector('button')!.click();
  await jest.advanceTimersByTimeAsync(1000);
  expect(node.querySelector('[role=status]')?.textContent).toBe('generation too long: 9 tokens');
});
