import { createWasmRuntime } from '../src/runtime/wasm';
import type { SweepRequest } from '../src/subject/sweep';
import { timed } from './alternate';
import { openBench, QUIET } from './open-bench';

/** A sweep as it crosses to the page: its readout is the difference of its two columns. */
export interface PageRequest {
  readonly base: SweepRequest['base'];
  readonly source: readonly (readonly number[])[];
  readonly patches: SweepRequest['patches'];
  readonly positions: SweepRequest['readout']['positions'];
  readonly columns: readonly (readonly number[])[];
}

export interface PageResult {
  readonly values: readonly number[];
  readonly base: readonly number[];
  readonly seconds: number;
  readonly operations: number;
  readonly runtime: string;
}

const bytes = async (url: string): Promise<Uint8Array> => new Uint8Array(await (await fetch(url)).arrayBuffer());

/** Opens the server's model in this page, with one thread, and times a sweep of it after one of a single patch. */
const sweep = async ({ base, source, patches, positions, columns }: PageRequest): Promise<PageResult> => {
  const at = (path: string): string => new URL(path, location.href).href;
  const files = { model: await bytes('model.onnx'), weights: await bytes('weights') };
  const runtime = createWasmRuntime({
    wasm: at('ort/ort-wasm-simd-threaded.wasm'),
    mjs: at('ort/ort-wasm-simd-threaded.mjs')
  });
  const subject = await openBench(files, runtime);
  const request: SweepRequest = {
    base,
    source: { kind: 'run', ids: source },
    patches,
    readout: { positions, columns, value: logits => logits[0] - logits[1] }
  };
  await subject.sweep({ ...request, patches: patches.slice(0, 1) }, QUIET);
  let result: Awaited<ReturnType<typeof subject.sweep>> | undefined;
  const milliseconds = await timed(async () => (result = await subject.sweep(request, QUIET)));
  return {
    values: Array.from(result!.values),
    base: result!.base,
    seconds: milliseconds / 1000,
    operations: subject.sweepCost(request).operations,
    runtime: `${subject.facts.runtime} in Chromium`
  };
};

Object.assign(globalThis, { sweep });
