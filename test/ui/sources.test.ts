/** @jest-environment ./test/jsdom.cjs */
import type { LocalFile } from '../../src/ui/local-files';
import { localPlace, modelSource, resolveModelPath } from '../../src/ui/model-source';
import { modelTitle } from '../../src/ui/model-title';

describe('a path in an output', () => {
  test.each([
    ['models/gpt2', 'a/b.ipynb', 'a/models/gpt2'],
    ['../models/gpt2', 'a/b.ipynb', 'models/gpt2'],
    ['./m.onnx', 'b.ipynb', 'm.onnx']
  ])('%s from %s', (path, notebook, expected) => expect(resolveModelPath(path, notebook)).toBe(expected));

  test.each(['../x', '../../etc/passwd', '..'])('%s leads out', path => {
    expect(() => resolveModelPath(path, 'b.ipynb')).toThrow(
      `model path outside: '${path}' leads out of the server's folder`
    );
  });
});

describe('files of the server', () => {
  const tree: Record<
    string,
    { type: string; content?: { name: string; path: string; type: string; size?: number }[] }
  > = {
    m: {
      type: 'directory',
      content: [
        { name: 'onnx', path: 'm/onnx', type: 'directory' },
        { name: 'tokenizer.json', path: 'm/tokenizer.json', type: 'file', size: 5 }
      ]
    },
    'm/onnx': {
      type: 'directory',
      content: [{ name: 'model.onnx', path: 'm/onnx/model.onnx', type: 'file', size: 9 }]
    },
    'm/onnx/model.onnx': { type: 'file' },
    n: { type: 'directory', content: [{ name: 'a.onnx', path: 'n/a.onnx', type: 'file', size: 9 }] },
    'n/a.onnx': { type: 'file' }
  };
  const settings = { token: 't', baseUrl: 'http://localhost:8888/' } as never;
  const contents = {
    get: async (path: string) => tree[path] ?? Promise.reject({ response: { status: 404 } }),
    getDownloadUrl: async (path: string) => `/files/${path}`
  } as never;
  const source = (path: string) => modelSource(contents, settings, path);

  test('a folder, with its folder onnx', async () => {
    const { label, model, files, headers } = await source('m');
    expect([label, model]).toEqual(['m', undefined]);
    expect(files.map(({ name, size, content }) => [name, size, content])).toEqual([
      ['tokenizer.json', 5, '/files/m/tokenizer.json'],
      ['onnx/model.onnx', 9, '/files/m/onnx/model.onnx']
    ]);
    expect(headers).toEqual({ Authorization: 'token t' });
  });

  test('one file of a folder onnx, with those beside it and those of the folder above', async () => {
    const { label, model, files } = await source('m/onnx/model.onnx');
    expect([label, model]).toEqual(['model.onnx', 'onnx/model.onnx']);
    expect(files.map(({ name }) => name)).toEqual(['tokenizer.json', 'onnx/model.onnx']);
  });

  test('one file, with those beside it', async () => {
    const { label, model, files } = await source('n/a.onnx');
    expect([label, model, files.length]).toEqual(['a.onnx', 'a.onnx', 1]);
  });

  test.each([
    ['another host', 'https://bucket.example/model.onnx'],
    ['another port', 'http://localhost:9999/model.onnx']
  ])('a drive that keeps its files on %s is refused, so the token stays here', async (_, url) => {
    const elsewhere = { ...(contents as object), getDownloadUrl: async () => url } as never;
    await expect(modelSource(elsewhere, settings, 'm')).rejects.toThrow(
      `model elsewhere: 'm/tokenizer.json' lies on ${new URL(url).origin}, only files of http://localhost:8888 are read`
    );
  });

  test("a page's own blobs are taken, as a server without a disk gives them", async () => {
    const url = 'blob:http://localhost:8888/5f0c';
    const blobs = { ...(contents as object), getDownloadUrl: async () => url } as never;
    expect((await modelSource(blobs, settings, 'm')).files[0].content).toBe(url);
  });

  test('a file that the model may not need can be of any size', async () => {
    const weights = { name: 'pytorch_model.bin', path: 'b/pytorch_model.bin', type: 'file', size: 2 ** 33 };
    const large = { ...(contents as object), get: async () => ({ type: 'directory', content: [weights] }) } as never;
    expect((await modelSource(large, settings, 'b')).files.map(({ size }) => size)).toEqual([2 ** 33]);
  });

  test('a path that is not there', async () => {
    await expect(source('gone')).rejects.toThrow("model missing: 'gone' is not on the server");
  });
});

describe('files of this computer', () => {
  const file = (name: string, text = ''): LocalFile => ({ name, file: new File([text], name, { lastModified: 5 }) });

  test('need an .onnx file among them', () => {
    expect(() => localPlace({ files: [file('a.txt')] })).toThrow("model missing: no .onnx file among 'a.txt'");
    expect(() => localPlace({ folder: 'f', files: [file('a.txt')] })).toThrow(
      "model missing: the folder 'f' holds no .onnx file, nor does a folder 'onnx' in it"
    );
  });

  test('are called by their folder, or by the one model among them', async () => {
    const label = (...given: Parameters<typeof localPlace>): string => localPlace(...given).label;
    expect(label({ folder: 'gpt2', files: [file('onnx/model.onnx')] })).toBe('gpt2');
    expect(label({ files: [file('a.ONNX'), file('tokenizer.json')] })).toBe('a.ONNX');
    expect(label({ files: [file('encoder_model.onnx'), file('decoder_model.onnx')] })).toBe('dropped files');
  });

  test('are picked among as on the server: none is named', async () => {
    const { model, files } = await localPlace({ files: [file('onnx/model.onnx'), file('tokenizer.json')] }).source();
    expect([model, files.map(({ name }) => name)]).toEqual([undefined, ['onnx/model.onnx', 'tokenizer.json']]);
  });

  test('that are the same are the same model, others are not', async () => {
    const { key, source } = localPlace({ files: [file('a.onnx', 'abc')] });
    expect((await source()).files[0].size).toBe(3);
    expect(localPlace({ files: [file('a.onnx', 'abc')] }).key).toBe(key);
    expect(localPlace({ files: [file('a.onnx', 'ab')] }).key).not.toBe(key);
  });
});

test.each([
  ['gpt2/model.onnx', 'gpt2'],
  ['gpt2/onnx/model.onnx', 'gpt2'],
  ['a/gpt2/onnx/model_q4.onnx', 'gpt2: model_q4'],
  ['models/tiny.ONNX', 'tiny.ONNX'],
  ['model.onnx', 'model.onnx'],
  ['t5/decoder_model.onnx', 't5: decoder_model']
])('the tab of %s is called %s', (path, title) => expect(modelTitle(path)).toBe(title));
