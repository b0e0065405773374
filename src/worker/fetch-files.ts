import type { ModelFiles, ReadOptions } from '../subject/opening/files';
import { cached, keep } from './file-cache';
import type { ModelSource, SourceFile } from './protocol';

/** Longest file that a wasm heap of 4 GiB can hold with what a run needs. */
const MOST_BYTES = 2 ** 31;

/** A model's files behind URLs of the server, or dropped on the page. Read as streams, with progress and cancel. */
export function fetchFiles(source: ModelSource): ModelFiles {
  const find = (name: string): SourceFile => {
    const file = source.files.find(candidate => candidate.name === name);
    if (!file) {
      throw new Error(`file missing: '${name}' is not among the files of '${source.label}'`);
    }
    return file;
  };
  return {
    label: source.label,
    ...(source.model === undefined ? {} : { model: source.model }),
    list: async () => source.files.map(({ name, size }) => ({ name, ...(size === undefined ? {} : { size }) })),
    read: (name, options) => {
      const file = find(name);
      if (sizeOf(file) > MOST_BYTES) {
        throw new Error(`file too large: '${name}' has ${sizeOf(file)} bytes, the page can hold ${MOST_BYTES}`);
      }
      return typeof file.content === 'string'
        ? readKept(file, file.content, source.headers, options)
        : readStream(file, file.content.stream(), file.content.size, options);
    },
    readRange: async (name, start, end, signal) => {
      const { content } = find(name);
      return typeof content === 'string'
        ? rangeOf(content, source.headers, [start, end], signal)
        : new Uint8Array(await content.slice(start, end).arrayBuffer());
    }
  };
}

/** A server that does not know ranges answers 200 with all of the file: it is not listened to. */
async function rangeOf(
  url: string,
  headers: Readonly<Record<string, string>>,
  [start, end]: readonly [number, number],
  signal: AbortSignal
): Promise<Uint8Array> {
  const response = await fetch(url, {
    headers: { ...headers, Range: `bytes=${start}-${end - 1}` },
    credentials: 'same-origin',
    signal
  });
  if (response.status !== 206) {
    void response.body?.cancel();
    throw new Error(`file not read in ranges: the server answered ${response.status}`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

const sizeOf = ({ size, content }: SourceFile): number => size ?? (typeof content === 'string' ? 0 : content.size);

/** From the browser where it was kept, else from the server, and kept then. */
async function readKept(
  file: SourceFile,
  url: string,
  headers: Readonly<Record<string, string>>,
  options: ReadOptions
): Promise<Uint8Array> {
  const { version, size } = file;
  const kept = version !== undefined && size !== undefined && { version, size };
  const stream = kept ? await cached(kept) : undefined;
  if (stream) {
    return readStream(file, stream, size, options);
  }
  const bytes = await readUrl(file, url, headers, options);
  if (kept) {
    void keep(kept, bytes);
  }
  return bytes;
}

async function readUrl(
  file: SourceFile,
  url: string,
  headers: Readonly<Record<string, string>>,
  options: ReadOptions
): Promise<Uint8Array> {
  const response = await fetch(url, { headers, credentials: 'same-origin', signal: options.signal ?? null }).catch(
    (error: unknown) => {
      options.signal?.throwIfAborted();
      throw new Error(`cannot read '${file.name}': ${error instanceof Error ? error.message : String(error)}`);
    }
  );
  if (!response.ok || !response.body) {
    throw new Error(`cannot read '${file.name}': the server answered ${response.status} ${response.statusText}`);
  }
  const length = Number(response.headers.get('content-length') ?? NaN);
  return readStream(file, response.body, file.size ?? (Number.isFinite(length) ? length : undefined), options);
}

/** Into one buffer of the size that was announced; grown when the stream holds more. */
async function readStream(
  { name }: SourceFile,
  stream: ReadableStream<Uint8Array>,
  total: number | undefined,
  { signal, onBytes }: ReadOptions
): Promise<Uint8Array> {
  let bytes = new Uint8Array(total ?? 2 ** 20);
  let read = 0;
  const reader = stream.getReader();
  for (;;) {
    signal?.throwIfAborted();
    const { done, value } = await reader.read();
    if (done) {
      break;
    }
    if (read + value.length > bytes.length) {
      bytes = grown(bytes, read, read + value.length);
    }
    bytes.set(value, read);
    read += value.length;
    onBytes?.(read, total);
  }
  if (total !== undefined && read < total) {
    throw new Error(`'${name}' is cut off: ${read} of ${total} bytes arrived`);
  }
  return read === bytes.length ? bytes : bytes.slice(0, read);
}

function grown(bytes: Uint8Array, used: number, needed: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(needed, bytes.length * 2));
  larger.set(bytes.subarray(0, used));
  return larger;
}
