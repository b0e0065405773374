import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { NotebookActions } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import type { OutputServices } from '../ui/services';
import { IOrreryModels } from './tokens';

const PLUGIN = 'jupyterlab-orrery:models';
const DEFAULT_BUDGET = 300;

/** Holds the page's models and remembers which cells the user has executed. */
export const models: JupyterFrontEndPlugin<IOrreryModels> = {
  id: PLUGIN,
  description: 'The ONNX models that are open in this page, one worker each.',
  autoStart: true,
  provides: IOrreryModels,
  optional: [IDocumentManager, ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    docManager: IDocumentManager | null,
    settingRegistry: ISettingRegistry | null,
    translator: ITranslator | null
  ) => {
    const armed = new WeakSet<HTMLElement>();
    NotebookActions.executionScheduled.connect((_, { cell }) => void armed.add(cell.node));
    const settings = settingRegistry?.load(PLUGIN).catch(() => undefined);
    let made: Promise<OutputServices> | undefined;
    const make = async (): Promise<OutputServices> => {
      const { makeServices } = await import('./make-services');
      const loaded = await settings;
      return makeServices({
        app,
        docManager,
        trans: (translator ?? nullTranslator).load('jupyterlab_orrery'),
        budget: () => ((loaded?.get('outputBudget').composite as number | undefined) ?? DEFAULT_BUDGET) * 1000
      });
    };
    return {
      services: () => (made ??= make()),
      arm: cell => void armed.add(cell),
      isArmed: cell => armed.has(cell)
    };
  }
};
