import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, showErrorMessage } from '@jupyterlab/apputils';

import { ModelDocument } from '../ui/document/model-document';
import { droppedPlace } from '../ui/model-source';
import { modelIcon } from './model-icon';
import type { IOrreryModels } from './tokens';
import { CommandIDs } from './tokens';

/** Shows a model of this computer's own files as a document: they are read in the page and uploaded nowhere. */
export async function openLocalModel(
  { shell, commands }: JupyterFrontEnd,
  models: IOrreryModels,
  files: readonly File[]
): Promise<void> {
  const services = await models.services();
  const { trans } = services;
  try {
    const { key, label, source } = droppedPlace(files);
    const id = `jupyterlab-orrery-local-${key}`;
    const shown = Array.from(shell.widgets('main')).find(widget => widget.id === id);
    if (!shown) {
      const content = new ModelDocument({
        title: label,
        where: trans.__('a file of this computer: read in this page, not uploaded'),
        locate: () => ({ key, source }),
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
  } catch (error) {
    await showErrorMessage(trans.__('No model was opened'), error instanceof Error ? error.message : String(error));
  }
}

/** Asks for files of this computer; none when cancelled. */
export function chooseLocalFiles(): Promise<readonly File[]> {
  const input = document.createElement('input');
  input.type = 'file';
  input.multiple = true;
  return new Promise(resolve => {
    input.addEventListener('change', () => resolve([...(input.files ?? [])]));
    input.addEventListener('cancel', () => resolve([]));
    input.click();
  });
}
