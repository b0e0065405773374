import type { Translate } from '../translate';

/** Where a run took place, from its runtime's name ('onnxruntime-web 1.30.0'). */
export function deviceWords(runtime: string, threads: number, trans: Translate): string {
  const name = runtime.toLowerCase();
  const device = name.includes('webgpu')
    ? 'WebGPU'
    : name.startsWith('onnxruntime-web')
      ? 'WebAssembly'
      : name.startsWith('onnxruntime-node')
        ? trans.__('native')
        : runtime;
  return trans._n('%2, %1 thread', '%2, %1 threads', threads, device);
}
