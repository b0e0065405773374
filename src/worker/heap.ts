/**
 * Bytes of the WebAssembly memories that were made since `watchHeap` was called: ONNX Runtime keeps its own to itself, so
 * the constructor is wrapped before the runtime loads. A wasm heap never shrinks; ending the worker gives it back.
 */
export function watchHeap(): () => number {
  const memories: WebAssembly.Memory[] = [];
  const Original = WebAssembly.Memory;
  WebAssembly.Memory = new Proxy(Original, {
    construct(target, args: [WebAssembly.MemoryDescriptor]) {
      const memory = new target(...args);
      memories.push(memory);
      return memory;
    }
  });
  return () => memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
}
