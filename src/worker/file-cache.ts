/** A file of the server that may be kept in the browser, so that it travels once. */
export interface CachedFile {
  /** Changes with the file: path, size and time of its last change, or its hash. */
  readonly version: string;
  readonly size: number;
}

/** What is kept, for the one who looks. */
export interface CacheUse {
  readonly bytes: number;
  readonly files: number;
}

const NAME = 'jupyterlab-orrery-models';
const SIZE = 'x-orrery-size';
const TIME = 'x-orrery-time';
/** A smaller file comes as fast from the server. */
const LEAST_BYTES = 2 ** 20;
/** All files together, and at most half of what the browser gives this page. */
const MOST_BYTES = 2 ** 31;
/** A larger file would stand in memory twice while it is put away. */
const LARGEST_BYTES = 2 ** 30;
const SHARE = 0.5;

const addressOf = ({ version }: CachedFile): string => `/jupyterlab-orrery-cache/${encodeURIComponent(version)}`;

/** Undefined where the page is not secure (http on another host): there is no cache then. */
const open = async (): Promise<Cache | undefined> =>
  typeof caches === 'undefined' ? undefined : caches.open(NAME).catch(() => undefined);

/** The file as it was kept, to be read as a stream; undefined where it is not. */
export async function cached(file: CachedFile): Promise<ReadableStream<Uint8Array> | undefined> {
  const cache = await open();
  const found = await cache?.match(addressOf(file)).catch(() => undefined);
  return Number(found?.headers.get(SIZE)) === file.size ? (found?.body ?? undefined) : undefined;
}

/** Keeps a file that was read whole; the oldest make room. What cannot be kept is not: the file was read all the same. */
export async function keep(file: CachedFile, bytes: Uint8Array): Promise<void> {
  const fits = file.size >= LEAST_BYTES && file.size <= LARGEST_BYTES && bytes.length === file.size;
  const cache = fits ? await open() : undefined;
  if (!cache) {
    return;
  }
  try {
    const { quota = MOST_BYTES } = (await navigator.storage?.estimate()) ?? {};
    const room = Math.min(MOST_BYTES, SHARE * quota) - file.size;
    if (room < 0) {
      return;
    }
    await makeRoom(cache, room);
    const headers = { [SIZE]: String(file.size), [TIME]: String(Date.now()) };
    await cache.put(addressOf(file), new Response(new Blob([bytes as Uint8Array<ArrayBuffer>]), { headers }));
  } catch {
    // A full disk, or a browser that keeps nothing in private windows.
  }
}

export async function cacheUse(): Promise<CacheUse> {
  const cache = await open();
  const entries = cache ? await entriesOf(cache) : [];
  return { files: entries.length, bytes: entries.reduce((sum, { size }) => sum + size, 0) };
}

export async function clearCache(): Promise<void> {
  if (typeof caches !== 'undefined') {
    await caches.delete(NAME);
  }
}

interface Entry {
  readonly request: Request;
  readonly size: number;
  readonly time: number;
}

async function entriesOf(cache: Cache): Promise<Entry[]> {
  const requests = await cache.keys();
  return Promise.all(
    requests.map(async request => {
      const headers = (await cache.match(request))?.headers;
      return { request, size: Number(headers?.get(SIZE) ?? 0), time: Number(headers?.get(TIME) ?? 0) };
    })
  );
}

/** Takes the oldest away until no more than `room` bytes are left. */
async function makeRoom(cache: Cache, room: number): Promise<void> {
  const entries = (await entriesOf(cache)).sort((a, b) => b.time - a.time);
  let bytes = 0;
  for (const { request, size } of entries) {
    bytes += size;
    if (bytes > room) {
      await cache.delete(request);
    }
  }
}
