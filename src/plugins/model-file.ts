import { Base64ModelFactory, DocumentModel } from '@jupyterlab/docregistry';
import type { DocumentRegistry } from '@jupyterlab/docregistry';

/** A model's file is only looked at: what would write it has nothing to write, so that no save can reach the file. */
class ModelFile extends DocumentModel {
  constructor() {
    super({});
    this.readOnly = true;
  }

  toString(): string {
    throw new Error('model not written: the file of a model is only looked at');
  }
}

/** Documents whose bytes JupyterLab does not read: the model's worker reads them itself, and only once. */
export class ModelFileFactory extends Base64ModelFactory {
  get name(): string {
    return 'orrery-model';
  }

  get fileFormat(): null {
    return null;
  }

  createNew(): DocumentRegistry.ICodeModel {
    return new ModelFile();
  }
}
