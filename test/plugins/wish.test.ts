/** @jest-environment ./test/jsdom.cjs */
import { keepWish, takeWish } from '../../src/plugins/wish';

const SERVER = 'http://localhost:8888/user/one/';
const KEY = 'jupyterlab-orrery:wish';

beforeEach(() => localStorage.clear());
afterEach(() => jest.useRealTimers());

test('a wish is taken once, by its own notebook on its own server', () => {
  keepWish(SERVER, 'a/Untitled.ipynb', { model: 'a/model.onnx', layer: 1, head: 0 });
  expect(takeWish(SERVER, 'a/Untitled1.ipynb')).toBeUndefined();
  expect(takeWish('http://localhost:8888/user/two/', 'a/Untitled.ipynb')).toBeUndefined();
  expect(takeWish(SERVER, 'a/Untitled.ipynb')).toEqual({ model: 'a/model.onnx', layer: 1, head: 0 });
  expect(takeWish(SERVER, 'a/Untitled.ipynb')).toBeUndefined();
});

test('a wish that nobody took for a minute is gone', () => {
  jest.useFakeTimers();
  keepWish(SERVER, 'Untitled.ipynb', { model: 'model.onnx' });
  jest.advanceTimersByTime(60_001);
  expect(takeWish(SERVER, 'Untitled.ipynb')).toBeUndefined();
});

test.each([
  ['no JSON', '{'],
  ['no object', '3'],
  ['no wish', { wish: null }],
  ['a model that is no path', { wish: { model: 7 } }],
  ['a model too long for a path', { wish: { model: 'a'.repeat(2000) } }]
])('what another wrote there is not taken: %s', (_, value) => {
  const until = Date.now() + 1000;
  localStorage.setItem(
    KEY,
    typeof value === 'string' ? value : JSON.stringify({ server: SERVER, notebook: 'n.ipynb', until, ...value })
  );
  expect(takeWish(SERVER, 'n.ipynb')).toBeUndefined();
});

test('a layer that is no number is left out', () => {
  const wish = { model: 'model.onnx', layer: '1', head: -1 };
  localStorage.setItem(KEY, JSON.stringify({ server: SERVER, notebook: 'n.ipynb', until: Date.now() + 1000, wish }));
  expect(takeWish(SERVER, 'n.ipynb')).toEqual({ model: 'model.onnx' });
});
