import { modelFileOf } from '../../src/plugins/model-file-of';

/** Lists only where the content is asked for, as JupyterLab's own manager does. */
const contents = (folders: Readonly<Record<string, readonly string[]>>) =>
  ({
    get: async (path: string, { content }: { readonly content?: boolean }) => {
      if (!folders[path]) {
        throw new Error('404');
      }
      return { type: 'directory', content: content ? folders[path].map(name => ({ name })) : null };
    }
  }) as never;

test.each([
  ['a file', 'm/x.onnx', {}, 'm/x.onnx'],
  ['model.onnx before others', 'm', { m: ['a.onnx', 'model.onnx'] }, 'm/model.onnx'],
  ['the folder onnx of a folder without one', 'm', { m: ['onnx'], 'm/onnx': ['decoder.onnx'] }, 'm/onnx/decoder.onnx'],
  ['a folder without a model', 'm', { m: ['a.txt'] }, 'm'],
  ['a folder that is not there', 'm', {}, 'm']
])('%s', async (_, path, folders, expected) => {
  expect(await modelFileOf(contents(folders as never), path)).toBe(expected);
});
