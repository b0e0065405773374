import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, showErrorMessage } from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { modelIcon } from './model-icon';
import { CommandIDs, IOrreryModels } from './tokens';

const ARGUMENTS = {
  type: 'object',
  properties: {
    path: { type: 'string', description: 'Path of the .onnx file on the server, or of the folder that holds it' },
    selected: { type: 'boolean', description: 'What is selected in the file browser' }
  }
} as const;

/** Opens a model's document: of a path, of the folder that is selected in the file browser, of a file that a dialog asks for, or of this computer. */
export const openModel: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-orrery:open-model',
  description: 'Opens ONNX models as documents: files and folders of the server, or files of this computer.',
  autoStart: true,
  requires: [IOrreryModels],
  optional: [IDefaultFileBrowser, ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    models: IOrreryModels,
    browser: IDefaultFileBrowser | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyterlab_orrery');
    const asked = async (args: {
      readonly path?: unknown;
      readonly selected?: unknown;
    }): Promise<string | undefined> =>
      typeof args.path === 'string'
        ? args.path
        : args.selected
          ? browser?.selectedItems().next().value?.path
          : (await models.services()).choose('');
    app.commands.addCommand(CommandIDs.openModel, {
      label: args => (args.selected ? trans.__('Open as ONNX Model') : trans.__('Open an ONNX Model…')),
      caption: trans.__('Shows the anatomy, certificate, weights and tokenizer of a model'),
      icon: modelIcon,
      describedBy: { args: ARGUMENTS },
      execute: async args => {
        const path = await asked(args);
        const { modelFileOf } = await import('./model-file-of');
        const file = path === undefined ? undefined : await modelFileOf(app.serviceManager.contents, path);
        if (file?.toLowerCase().endsWith('.onnx')) {
          await app.commands.execute('docmanager:open', { path: file });
        } else if (path !== undefined) {
          const why = trans.__('no model: ‘%1’ holds no .onnx file, nor does a folder ‘onnx’ in it', path || '/');
          await showErrorMessage(trans.__('No model was opened'), why);
        }
      }
    });
    app.commands.addCommand(CommandIDs.openLocalModel, {
      label: trans.__('Open an ONNX Model of This Computer…'),
      caption: trans.__('Reads the files in this page; nothing is uploaded'),
      icon: modelIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: async () => {
        const { chooseLocalFiles, openLocalModel } = await import('./local-model');
        const chosen = await chooseLocalFiles();
        if (chosen.files.length > 0) {
          await openLocalModel(app, models, chosen);
        }
      }
    });
    const category = trans.__('Interpretability');
    for (const command of [CommandIDs.openModel, CommandIDs.openLocalModel]) {
      palette?.addItem({ command, category });
    }
  }
};
