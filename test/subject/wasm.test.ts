import { pathToFileURL } from 'node:url';

import { createNodeRuntime } from '../../src/runtime/node';
import { createWasmRuntime } from '../../src/runtime/wasm';
import type { Intervention } from '../../src/subject/interventions/interventions';
import { openModel } from '../../src/subject/opening/open-model';
import { fixtureFiles, quiet } from './fixture-files';

const asset = (file: string): string => pathToFileURL(require.resolve(`onnxruntime-web/${file}`)).href;

test.each(['gpt2-hub', 'bert-hub'])(
  '%s in WebAssembly: the same certificate, hooks and interventions as in the native library',
  async family => {
    const wasm = createWasmRuntime({
      wasm: asset('ort-wasm-simd-threaded.wasm'),
      mjs: asset('ort-wasm-simd-threaded.mjs')
    });
    const [native, web] = await Promise.all(
      [createNodeRuntime(), wasm].map(runtime => openModel(fixtureFiles(family), runtime, quiet))
    );
    expect(web.facts).toEqual({ ...native.facts, runtime: 'onnxruntime-web 1.30.0' });
    expect(web.anatomy).toEqual(native.anatomy);
    const request = { ids: [[1, 5, 9, 2, 7]], hooks: native.anatomy.hooks.map(({ name }) => name) };
    const direction = { dims: [8], type: 'float32', data: Float32Array.of(3, 1, 4, 1, 5, 9, 2, 6) } as const;
    const list: readonly Intervention[] = [
      { hook: 'blocks.0.attn.hook_z', op: 'scale', value: 0.5, heads: [1] },
      { hook: 'blocks.0.attn.hook_z', op: 'project_out', value: direction, row: [0] },
      { hook: 'blocks.1.hook_resid_pre', op: 'add', value: 1, pos: [-1] }
    ];
    const changed = { ...request, interventions: { list } };
    const pairs = [
      [await native.forward(request, quiet), await web.forward(request, quiet)],
      [await native.forward(changed, quiet), await web.forward(changed, quiet)]
    ] as const;
    for (const [a, b] of pairs) {
      for (const name of request.hooks) {
        const [x, y] = [a.get(name).data as Float32Array, b.get(name).data as Float32Array];
        const largest = x.reduce((most, value) => Math.max(most, value > -1e4 ? Math.abs(value) : 0), 0);
        const worst = x.reduce(
          (most, value, index) => Math.max(most, value > -1e4 ? Math.abs(value - y[index]) : 0),
          0
        );
        // Other kernels of the same operators: some tens of roundings of 2^-24.
        expect([name, worst <= 1e-5 * Math.max(largest, 1e-3)]).toEqual([name, true]);
      }
    }
    await native.close();
    await web.close();
  }
);
