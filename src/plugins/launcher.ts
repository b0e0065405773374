import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILauncher } from '@jupyterlab/launcher';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIDs } from './tokens';

/** Cards of the launcher, where the host has one: open a model, or analyse one in a new notebook. */
export const launcher: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-orrery:launcher',
  description: 'Offers ONNX models and their analyses in the launcher.',
  autoStart: true,
  optional: [ILauncher, INotebookTracker, ITranslator],
  activate: (
    _app: JupyterFrontEnd,
    cards: ILauncher | null,
    tracker: INotebookTracker | null,
    translator: ITranslator | null
  ) => {
    const category = (translator ?? nullTranslator).load('jupyterlab_orrery').__('Interpretability');
    cards?.add({ command: CommandIDs.openModel, category, rank: 1 });
    if (tracker) {
      cards?.add({ command: CommandIDs.analyseModel, category, rank: 2 });
    }
  }
};
