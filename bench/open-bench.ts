import type { Runtime } from '../src/runtime/runtime';
import type { Context } from '../src/subject/context';
import { openModel } from '../src/subject/opening/open-model';
import type { Subject } from '../src/subject/subject';
import { WEIGHTS_FILE } from './weight-store';

export const QUIET: Context = { signal: new AbortController().signal, progress: () => undefined };

/** A bench's model, opened from memory. */
export const openBench = (
  files: { readonly model: Uint8Array; readonly weights: Uint8Array },
  runtime: Runtime
): Promise<Subject> => {
  const contents: Readonly<Record<string, Uint8Array>> = { 'model.onnx': files.model, [WEIGHTS_FILE]: files.weights };
  return openModel(
    {
      label: 'bench',
      list: async () => Object.entries(contents).map(([name, { length }]) => ({ name, size: length })),
      read: async name => contents[name]
    },
    runtime,
    QUIET
  );
};
