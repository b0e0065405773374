import { folderOf, pickModel } from '../../src/subject/opening/pick-model';

const entries = (...names: readonly string[]) => names.map(name => ({ name }));

test.each([
  [['a.onnx', 'config.json'], 'a.onnx'],
  [['A.ONNX'], 'A.ONNX'],
  [['model.onnx', 'model_fp16.onnx'], 'model.onnx'],
  [['onnx/model.onnx', 'onnx/model_q4.onnx', 'config.json'], 'onnx/model.onnx'],
  [['model.onnx', 'onnx/model.onnx'], 'model.onnx'],
  [['onnx/decoder.onnx'], 'onnx/decoder.onnx']
])('%j → %s', (names, picked) => {
  expect(pickModel(entries(...names), 'folder')).toEqual({ file: picked });
});

const PAIR = ['encoder_model.onnx', 'decoder_model.onnx', 'decoder_with_past_model.onnx'];
const HUB = [
  'config.json',
  ...['encoder_model', 'decoder_model_merged', 'decoder_with_past_model'].flatMap(name =>
    ['', '_fp16', '_quantized'].map(ending => `onnx/${name}${ending}.onnx`)
  )
];

test.each([
  [PAIR, undefined, 'decoder_model.onnx', 'encoder_model.onnx'],
  [[...PAIR, 'decoder_model_merged.onnx'], undefined, 'decoder_model.onnx', 'encoder_model.onnx'],
  [HUB, undefined, 'onnx/decoder_model_merged.onnx', 'onnx/encoder_model.onnx'],
  [
    HUB.filter(name => !/l(_merged)?\.onnx/.test(name) && !name.includes('fp16')),
    undefined,
    'onnx/decoder_model_merged_quantized.onnx',
    'onnx/encoder_model_quantized.onnx'
  ],
  [HUB, 'onnx/decoder_model_merged_fp16.onnx', 'onnx/decoder_model_merged_fp16.onnx', 'onnx/encoder_model_fp16.onnx'],
  [PAIR, 'encoder_model.onnx', 'encoder_model.onnx', undefined],
  [PAIR, 'decoder_with_past_model.onnx', 'decoder_with_past_model.onnx', undefined],
  [['decoder_model.onnx', 'x.onnx'], 'decoder_model.onnx', 'decoder_model.onnx', undefined]
])('a pair of encoder and decoder: %j, %s named', (names, named, file, encoder) => {
  expect(pickModel(entries(...names), 'folder', named)).toEqual(encoder ? { file, encoder } : { file });
});

test('two pairs, neither without an ending, are not chosen between', () => {
  const names = HUB.filter(name => !/l(_merged)?\.onnx/.test(name));
  expect(() => pickModel(entries(...names), 'two')).toThrow(/^model ambiguous: 'two' holds 6 \.onnx files/);
});

test('refuses a folder without a model, naming what is there', () => {
  expect(() => pickModel(entries('config.json'), 'tiny')).toThrow("no model: 'tiny' holds no .onnx file (config.json)");
  expect(() => pickModel([], 'tiny')).toThrow(
    "no model: 'tiny' holds no .onnx file (no file is in it or in a folder of it)"
  );
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
