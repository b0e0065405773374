import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, showErrorMessage } from '@jupyterlab/apputils';

import { ModelDocument } from '../ui/document/model-document';
import type { LocalFiles } from '../ui/local-files';
import { looseFiles } from '../ui/local-files';
import { localPlace } from '../ui/model-source';
import type { ModelPlace } from '../ui/services';
import { modelIcon } from './model-icon';
import type { IOrreryModels } from './tokens';
import { CommandIDs } from './tokens';

/** Opens a model of this computer's own files as a document: they are read in the page and uploaded nowhere. */
export async function openLocalModel(
  app: JupyterFrontEnd,
  models: IOrreryModels,
  files: LocalFiles | Promise<LocalFiles>
): Promise<void> {
  const { trans } = await models.services();
  try {
    await showLocalModel(app, models, localPlace(await files));
  } catch (error) {
    await showErrorMessage(trans.__('No model was opened'), error instanceof Error ? error.message : String(error));
  }
}

/** The model's document, made where there is none. */
export async function showLocalModel(
  { shell, commands }: JupyterFrontEnd,
  models: IOrreryModels,
  { key, label, source }: Required<ModelPlace>
): Promise<void> {
  const services = await models.services();
  const id = `jupyterlab-orrery-local-${key}`;
  if (!Array.from(shell.widgets('main')).some(widget => widget.id === id)) {
    const content = new ModelDocument({
      title: label,
      where: services.trans.__('a file of this computer: read in this page, not uploaded'),
      locate: () => ({ key, label, source }),
      services,
      onAnalyse: part =>
        void commands.execute(CommandIDs.analyseModel, {
          dropped: key,
          ...(part?.layer !== undefined && { layer: part.layer }),
          ...(part?.head !== undefined && { head: part.head })
        })
    });
    const widget = new MainAreaWidget({ content });
    widget.id = id;
    widget.title.label = label;
    widget.title.icon = modelIcon;
    widget.title.closable = true;
    shell.add(widget, 'main');
  }
  shell.activateById(id);
}

/** Asks for files of this computer; none when cancelled. */
export function chooseLocalFiles(): Promise<LocalFiles> {
  const input = document.createElement('input');
  input.type = 'file';
  input.multiple = true;
  return new Promise(resolve => {
    input.addEventListener('change', () => resolve(looseFiles(input.files ?? [])));
    input.addEventListener('cancel', () => resolve(looseFiles([])));
    input.click();
  });
}
