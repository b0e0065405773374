import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { NotebookActions } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import type { OutputServices } from '../ui/services';
import { executedOutputs } from './executed-outputs';
import { Settings } from './settings';
import { IOrreryModels } from './tokens';

const PLUGIN = 'jupyterlab-orrery:models';

/** Holds the page's models and remembers which outputs the user's executions gave. */
export const models: JupyterFrontEndPlugin<IOrreryModels> = {
  id: PLUGIN,
  description: 'The ONNX models that are open in this page, one worker each.',
  autoStart: true,
  provides: IOrreryModels,
  optional: [IDocumentManager, ISettingRegistry, IStateDB, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    docManager: IDocumentManager | null,
    settingRegistry: ISettingRegistry | null,
    state: IStateDB | null,
    translator: ITranslator | null
  ) => {
    const meant = executedOutputs(NotebookActions.executionScheduled, NotebookActions.executed);
    const loaded = settingRegistry?.load(PLUGIN).catch(() => undefined);
    let made: Promise<OutputServices> | undefined;
    const make = async (): Promise<OutputServices> => {
      const { makeServices } = await import('./make-services');
      const settings = new Settings(await loaded);
      return makeServices({
        app,
        docManager,
        state,
        trans: (translator ?? nullTranslator).load('jupyterlab_orrery'),
        settings
      });
    };
    return {
      services: () => (made ??= make()),
      mean: output => void meant.add(output),
      claim: output => meant.delete(output)
    };
  }
};
