import type { WorkerPort } from '../../src/worker/worker-port';
import type { Answer, Request } from '../../src/worker/protocol';

/** A worker on this thread: `serve`'s function behind two queues of messages, as structured clones. */
export class FakeWorker implements WorkerPort {
  onmessage: ((event: MessageEvent<Answer>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  onmessageerror: ((event: MessageEvent) => void) | null = null;
  terminated = false;

  constructor(make: (send: (answer: Answer) => void) => (request: Request) => void) {
    this._answer = make(answer => {
      const data = structuredClone(answer);
      setTimeout(() => !this.terminated && this.onmessage?.({ data } as MessageEvent<Answer>));
    });
  }

  postMessage(request: Request): void {
    const copy = structuredClone(request);
    setTimeout(() => !this.terminated && this._answer(copy));
  }

  terminate(): void {
    this.terminated = true;
  }

  /** As when the browser kills it. */
  die(message: string): void {
    this.onerror?.({ message, preventDefault: () => undefined } as ErrorEvent);
  }

  private readonly _answer: (request: Request) => void;
}
