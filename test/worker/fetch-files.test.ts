import { fetchFiles } from '../../src/worker/fetch-files';
import type { SourceFile } from '../../src/worker/protocol';

const files = (...list: SourceFile[]) => fetchFiles({ label: 'm', files: list, headers: { Authorization: 'token t' } });
const blob = new Blob([new Uint8Array([1, 2, 3, 4])]);

afterEach(() => jest.restoreAllMocks());

const answer = (body: BodyInit | null, init?: ResponseInit): jest.SpyInstance =>
  jest.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response(body, init));

test('blobs are read with progress', async () => {
  const seen: number[] = [];
  const bytes = await files({ name: 'a.onnx', content: blob }).read('a.onnx', { onBytes: read => seen.push(read) });
  expect([...bytes]).toEqual([1, 2, 3, 4]);
  expect(seen.at(-1)).toBe(4);
});

test('URLs are fetched with the headers of the server', async () => {
  const spy = answer('abc');
  const bytes = await files({ name: 'a', content: '/files/a' }).read('a', {});
  expect(new TextDecoder().decode(bytes)).toBe('abc');
  expect(spy.mock.calls[0][1].headers).toEqual({ Authorization: 'token t' });
});

test.each([
  ['a file that is not listed', 'b', null, undefined, "file missing: 'b' is not among the files of 'm'"],
  [
    'an answer that is no file',
    'a',
    'x',
    { status: 403, statusText: 'Forbidden' },
    "cannot read 'a': the server answered 403 Forbidden"
  ],
  ['a file that is cut off', 'a', 'x', undefined, "'a' is cut off: 1 of 9 bytes arrived"]
])('%s', async (_, name, body, init, message) => {
  answer(body, init);
  await expect(async () => files({ name: 'a', size: 9, content: '/files/a' }).read(name, {})).rejects.toThrow(message);
});

test('a file that no page can hold is refused before it is fetched', async () => {
  const spy = answer('abc');
  await expect(async () => files({ name: 'a', size: 2 ** 33, content: '/a' }).read('a', {})).rejects.toThrow(
    "file too large: 'a' has 8589934592 bytes, the page can hold 2147483648"
  );
  expect(spy).not.toHaveBeenCalled();
});

test('a file longer than announced is read whole', async () => {
  answer('abcdef');
  const bytes = await files({ name: 'a', size: 2, content: '/a' }).read('a', {});
  expect(bytes).toHaveLength(6);
});

test('a cancelled read stops', async () => {
  const controller = new AbortController();
  controller.abort(new Error('stopped'));
  answer('abc');
  await expect(files({ name: 'a', content: '/a' }).read('a', { signal: controller.signal })).rejects.toThrow('stopped');
});

describe('a range', () => {
  const { signal } = new AbortController();

  test('is asked for as HTTP has it, its last byte included', async () => {
    const spy = answer('bcd', { status: 206 });
    const bytes = await files({ name: 'a', content: '/files/a' }).readRange!('a', 1, 4, signal);
    expect(new TextDecoder().decode(bytes)).toBe('bcd');
    expect(spy.mock.calls[0][1].headers).toEqual({ Authorization: 'token t', Range: 'bytes=1-3' });
  });

  test('is refused where the server sends the whole file', async () => {
    answer('abcdef');
    await expect(files({ name: 'a', content: '/files/a' }).readRange!('a', 1, 4, signal)).rejects.toThrow(
      'answered 200'
    );
  });

  test('of a dropped file is a slice', async () => {
    expect([...(await files({ name: 'a.onnx', content: blob }).readRange!('a.onnx', 1, 3, signal))]).toEqual([2, 3]);
  });
});
