/** Folders that say nothing of a model, as exporters name them. */
const PLAIN_FOLDERS: ReadonlySet<string> = new Set(['onnx', 'model', 'models']);

/** What a model's tab is called: its folder, and its file where that is not model.onnx. 'gpt2/onnx/model_q4.onnx' → 'gpt2: model_q4'. */
export function modelTitle(path: string): string {
  const parts = path.split('/').filter(Boolean);
  const file = parts.pop() ?? path;
  const name = file.replace(/\.onnx$/iu, '');
  const folder = parts.reverse().find(part => !PLAIN_FOLDERS.has(part.toLowerCase()));
  if (folder === undefined) {
    return file;
  }
  return name.toLowerCase() === 'model' ? folder : `${folder}: ${name}`;
}
