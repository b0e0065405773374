import { folderOf, pickModel } from '../../src/subject/pick-model';

const entries = (...names: readonly string[]) => names.map(name => ({ name }));

test.each([
  [['a.onnx', 'config.json'], 'a.onnx'],
  [['A.ONNX'], 'A.ONNX'],
  [['model.onnx', 'model_fp16.onnx'], 'model.onnx'],
  [['onnx/model.onnx', 'onnx/model_q4.onnx', 'config.json'], 'onnx/model.onnx'],
  [['model.onnx', 'onnx/model.onnx'], 'model.onnx'],
  [['onnx/decoder.onnx'], 'onnx/decoder.onnx']
])('%j → %s', (names, picked) => {
  expect(pickModel(entries(...names), 'folder')).toBe(picked);
});

test('refuses a folder without a model, naming what is there', () => {
  expect(() => pickModel(entries('config.json'), 'tiny')).toThrow("no model: 'tiny' holds no .onnx file (config.json)");
  expect(() => pickModel([], 'tiny')).toThrow("no model: 'tiny' holds no .onnx file (it is empty)");
});

test('refuses to choose between several', () => {
  expect(() => pickModel(entries('a.onnx', 'b.onnx'), 'two')).toThrow(
    "model ambiguous: 'two' holds 2 .onnx files and none is model.onnx (a.onnx, b.onnx)"
  );
});

test('the folder of a name', () => {
  expect(folderOf('onnx/model.onnx')).toBe('onnx/');
  expect(folderOf('model.onnx')).toBe('');
});
