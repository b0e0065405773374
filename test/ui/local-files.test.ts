import { droppedFiles } from '../../src/ui/local-files';

/** A folder as a browser gives it: in portions of two, then none. */
const folder = (name: string, ...children: object[]): object => ({
  name,
  isFile: false,
  isDirectory: true,
  createReader: () => {
    const left = [...children];
    return { readEntries: (give: (some: object[]) => void) => give(left.splice(0, 2)) };
  }
});
const file = (name: string): object => ({
  name,
  isFile: true,
  isDirectory: false,
  file: (give: (file: File) => void) => give(new File([name], name))
});
const broken = (name: string): object => ({
  ...file(name),
  file: (_: unknown, fail: (why: object) => void) => fail({ message: 'gone' })
});
const transfer = (...entries: object[]): DataTransfer =>
  ({ files: [], items: entries.map(entry => ({ webkitGetAsEntry: () => entry })) }) as never;
const names = async (...entries: object[]): Promise<unknown> => {
  const { folder: called, files } = await droppedFiles(transfer(...entries));
  return [called, files.map(({ name }) => name)];
};

test('one folder gives its files and those of its folder onnx, no others', async () => {
  const inner = folder('onnx', file('model.onnx'), file('model.onnx_data'), folder('old', file('x.onnx')));
  const whole = folder('gpt2', file('config.json'), inner, file('tokenizer.json'), folder('.git', file('HEAD')));
  expect(await names(whole)).toEqual([
    'gpt2',
    ['config.json', 'tokenizer.json', 'onnx/model.onnx', 'onnx/model.onnx_data']
  ]);
});

test('a folder onnx beside its companions', async () => {
  expect(await names(folder('onnx', file('model.onnx')), file('tokenizer.json'))).toEqual([
    undefined,
    ['tokenizer.json', 'onnx/model.onnx']
  ]);
});

test('two folders are no model', async () => {
  await expect(names(folder('a'), folder('b'))).rejects.toThrow(
    "several things dropped: 'a', 'b' beside others; drop the one folder that holds the model"
  );
});

test('a file that cannot be read is named', async () => {
  await expect(names(folder('a', broken('model.onnx')))).rejects.toThrow(
    "unreadable: 'model.onnx' of this computer (gone)"
  );
});

test('without folders the files are as they were dropped', async () => {
  const own = new File(['x'], 'own.onnx');
  expect(await droppedFiles({ files: [own], items: [] } as never)).toEqual({
    files: [{ name: 'own.onnx', file: own }]
  });
});
