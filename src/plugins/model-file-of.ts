import { PathExt } from '@jupyterlab/coreutils';
import type { Contents } from '@jupyterlab/services';

/** The .onnx file that a path means: itself, or in a folder the one that a document can show. The folder where there is none. */
export async function modelFileOf(contents: Contents.IManager, path: string): Promise<string> {
  if (path.toLowerCase().endsWith('.onnx')) {
    return path;
  }
  for (const folder of [path, PathExt.join(path, 'onnx')]) {
    const found = await contents.get(folder, { type: 'directory', content: true }).catch(() => undefined);
    const names = ((found?.content ?? []) as readonly Contents.IModel[]).map(({ name }) => name);
    const files = names.filter(name => name.toLowerCase().endsWith('.onnx'));
    const file = files.find(name => name === 'model.onnx') ?? files[0];
    if (file !== undefined) {
      return PathExt.join(folder, file);
    }
  }
  return path;
}
