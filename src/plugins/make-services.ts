import type { JupyterFrontEnd } from '@jupyterlab/application';
import { PathExt } from '@jupyterlab/coreutils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import { FileDialog } from '@jupyterlab/filebrowser';
import type { IStateDB } from '@jupyterlab/statedb';
import type { TranslationBundle } from '@jupyterlab/translation';

import { VERSION } from '../report/version';
import { fileSource, modelSource, resolveModelPath } from '../ui/model-source';
import { setReaderChoices } from '../ui/figures/reader-choices';
import type { OutputServices } from '../ui/services';
import type { Settings } from './settings';
import { recentModels } from './recent-models';
import { CommandIDs } from './tokens';
import { ModelManager } from '../worker/model-manager';
import { createModelWorker, runtimeAssets } from '../worker/worker-url';

export interface ServiceOptions {
  readonly app: JupyterFrontEnd;
  readonly docManager: IDocumentManager | null;
  readonly trans: TranslationBundle;
  readonly state: IStateDB | null;
  readonly settings: Settings;
}

/** What outputs get from this page: models in workers of their own, files of the server. */
export async function makeServices({
  app,
  docManager,
  trans,
  state,
  settings
}: ServiceOptions): Promise<OutputServices> {
  const { contents, serverSettings } = app.serviceManager;
  const manager = new ModelManager({
    createWorker: createModelWorker,
    assets: runtimeAssets(),
    limits: () => settings.limits
  });
  const choose = (): void => setReaderChoices(settings.choices);
  choose();
  settings.onChange(choose);
  return {
    manager,
    recent: await recentModels(manager, state),
    trans,
    version: VERSION,
    budget: () => settings.budget,
    locate: (path, notebook) => {
      const key = resolveModelPath(path, notebook);
      return { key, source: () => modelSource(contents, serverSettings, key) };
    },
    file: async (path, notebook) => fileSource(contents, serverSettings, resolveModelPath(path, notebook)),
    insert: async ({ analysis, model: { path }, spec, seed }) => {
      await app.commands.execute(CommandIDs.insertAnalysis, { analysis, model: path, spec: spec as never, seed });
    },
    choose: async notebook => {
      if (!docManager) {
        return undefined;
      }
      const { value } = await FileDialog.getOpenFiles({
        manager: docManager,
        title: trans.__('Choose a model: an .onnx file, or a folder that holds one'),
        filter: ({ name, type }) => (type === 'directory' || name.endsWith('.onnx') ? {} : null)
      });
      const chosen = value?.[0]?.path;
      return chosen === undefined ? undefined : PathExt.relative(PathExt.dirname(notebook), chosen);
    }
  };
}
