import { createWasmRuntime } from '../runtime/wasm';
import { openModel } from '../subject/opening/open-model';
import { decodeImage } from './decode-image';
import { fetchFiles } from './fetch-files';
import { watchHeap } from './heap';
import type { Answer, Request } from './protocol';
import { serve } from './serve';

/** The worker's own port; the project's types are the page's. */
interface Port {
  postMessage(answer: Answer): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<Request>) => void): void;
}

const port = globalThis as unknown as Port;
const answer = serve({
  open: (source, assets, context) => openModel(fetchFiles(source), createWasmRuntime(assets), context),
  read: (source, signal) => fetchFiles(source).read(source.files[0].name, { signal }),
  decode: decodeImage,
  send: message => port.postMessage(message),
  heapBytes: watchHeap()
});
port.addEventListener('message', event => answer(event.data));
