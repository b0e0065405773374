import { cached, cacheUse, clearCache, keep } from '../../src/worker/file-cache';
import { fetchFiles } from '../../src/worker/fetch-files';

/** As much of the browser's Cache as is used. */
function fakeCaches() {
  const stores = new Map<string, Map<string, Response>>();
  const key = (request: string | { readonly url: string }): string =>
    typeof request === 'string' ? request : request.url;
  return {
    open: async (name: string) => {
      const store = stores.get(name) ?? new Map<string, Response>();
      stores.set(name, store);
      return {
        match: async (request: string) => store.get(key(request))?.clone(),
        put: async (request: string, response: Response) => void store.set(key(request), response),
        keys: async () => [...store.keys()].map(url => ({ url })),
        delete: async (request: string) => store.delete(key(request))
      };
    },
    delete: async (name: string) => stores.delete(name)
  };
}

let quota = 2 ** 32;
let now = 0;
beforeEach(() => {
  quota = 2 ** 32;
  Object.assign(globalThis, { caches: fakeCaches() });
  Object.defineProperty(globalThis, 'navigator', {
    configurable: true,
    value: { storage: { estimate: async () => ({ quota }) } }
  });
  jest.spyOn(Date, 'now').mockImplementation(() => ++now);
});
afterEach(() => jest.restoreAllMocks());

const MB = 2 ** 20;
const file = (version: string, size = 2 * MB) => ({ version, size });
const bytes = (size = 2 * MB, value = 7): Uint8Array => new Uint8Array(size).fill(value);
/** A byte by byte comparison of jest takes long. */
const same = (read: Uint8Array): boolean => Buffer.from(read).equals(bytes());
const isKept = async (version: string, size = 2 * MB): Promise<boolean> =>
  (await cached(file(version, size))) !== undefined;

test('a file is kept and read again; another version of it is not that file', async () => {
  await keep(file('m/a|1'), bytes());
  expect(same(new Uint8Array(await new Response(await cached(file('m/a|1'))).arrayBuffer()))).toBe(true);
  expect(await isKept('m/a|2')).toBe(false);
  expect(await isKept('m/a|1', 2 * MB + 1)).toBe(false);
  expect(await cacheUse()).toEqual({ files: 1, bytes: 2 * MB });
  await clearCache();
  expect(await isKept('m/a|1')).toBe(false);
  expect(await cacheUse()).toEqual({ files: 0, bytes: 0 });
});

test('the oldest make room, half of what the browser gives at most', async () => {
  quota = 10 * MB;
  for (const version of ['a', 'b', 'c']) {
    await keep(file(version), bytes());
  }
  expect([await isKept('a'), await isKept('b'), await isKept('c')]).toEqual([false, true, true]);
  await keep(file('whole', 6 * MB), bytes(6 * MB));
  expect([await isKept('whole', 6 * MB), await isKept('c')]).toEqual([false, true]);
});

test('small files, and those that came in another size, are not kept', async () => {
  await keep(file('small', 10), bytes(10));
  await keep(file('cut'), bytes(MB));
  expect(await cacheUse()).toEqual({ files: 0, bytes: 0 });
});

test('a model is fetched once; without a cache, each time', async () => {
  const fetch = jest
    .spyOn(globalThis, 'fetch')
    .mockImplementation(async () => new Response(new Blob([bytes() as Uint8Array<ArrayBuffer>])));
  const source = { name: 'a.onnx', size: 2 * MB, version: 'm/a.onnx|5', content: '/files/a.onnx' };
  const read = () => fetchFiles({ label: 'm', files: [source], headers: {} }).read('a.onnx', {});
  expect(same(await read())).toBe(true);
  await new Promise(resolve => setTimeout(resolve, 50));
  expect(same(await read())).toBe(true);
  expect(fetch).toHaveBeenCalledTimes(1);
  Object.assign(globalThis, { caches: undefined });
  await read();
  expect(fetch).toHaveBeenCalledTimes(2);
});
