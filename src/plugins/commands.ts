import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILabShell } from '@jupyterlab/application';
import { Dialog, ICommandPalette, showDialog } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { InsertOptions } from './insert-analysis';
import { modelIcon } from './model-icon';
import { CommandIDs, IOrreryModels } from './tokens';
import { keepWish, takeWish } from './wish';

/** JSON Schema of the arguments of `insertAnalysis`; without them a dialog asks. */
const INSERT_ARGUMENTS = {
  type: 'object',
  properties: {
    analysis: { type: 'string', description: "The analysis's id, 'logit-lens'" },
    model: { type: 'string', description: 'Path of the model, relative to the notebook' },
    spec: { type: 'object', description: "The analysis's fields" },
    seed: { type: 'integer', minimum: 0 },
    run: { type: 'boolean', description: 'Run it at once (default)' }
  }
} as const;

/** JSON Schema of the arguments of `analyseModel`. */
const ANALYSE_ARGUMENTS = {
  type: 'object',
  properties: {
    path: { type: 'string', description: 'Path of the model on the server' },
    dropped: { type: 'string', description: 'Key of an open model of this computer, which has no path' },
    layer: { type: 'integer', minimum: 0, description: 'The layer that is meant' },
    head: { type: 'integer', minimum: 0, description: 'The head of that layer' }
  }
} as const;

/** Commands of the palette: insert an analysis without a kernel, close the models. */
export const commands: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-orrery:commands',
  description: 'Inserts analyses of ONNX models into notebooks, with or without a kernel.',
  autoStart: true,
  requires: [IOrreryModels],
  optional: [INotebookTracker, ICommandPalette, ITranslator, ILabShell],
  activate: (
    app: JupyterFrontEnd,
    models: IOrreryModels,
    tracker: INotebookTracker | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null,
    labShell: ILabShell | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyterlab_orrery');
    const server = app.serviceManager.serverSettings.baseUrl;
    const insert = async (panel: NotebookPanel, options: Pick<InsertOptions, 'args' | 'meant'>): Promise<void> => {
      const [{ openNotebook }, { insertAnalysis }] = await Promise.all([
        import('./target-notebook'),
        import('./insert-analysis')
      ]);
      await insertAnalysis({ target: openNotebook(panel), models, ...options });
    };
    app.commands.addCommand(CommandIDs.insertAnalysis, {
      label: trans.__('Insert an Analysis of an ONNX Model'),
      icon: modelIcon,
      caption: trans.__('Adds an analysis to the notebook and runs it in this page; no kernel is needed'),
      isEnabled: () => tracker?.currentWidget?.content.model?.readOnly === false,
      describedBy: { args: INSERT_ARGUMENTS },
      execute: async args => {
        const panel = tracker?.currentWidget;
        if (panel) {
          await insert(panel, { args });
        }
      }
    });
    app.commands.addCommand(CommandIDs.analyseModel, {
      label: trans.__('Analyse an ONNX Model'),
      icon: modelIcon,
      caption: trans.__('Adds an analysis of the model to a notebook'),
      isEnabled: () => tracker !== null,
      describedBy: { args: ANALYSE_ARGUMENTS },
      execute: async args => {
        if (tracker) {
          const [{ targetNotebook }, { insertAnalysis }] = await Promise.all([
            import('./target-notebook'),
            import('./insert-analysis')
          ]);
          const model = {
            ...(typeof args.path === 'string' && { model: args.path }),
            ...(typeof args.dropped === 'string' && { dropped: args.dropped })
          };
          const beside = model.model ?? `${String(args.cwd ?? '')}/`;
          const target = await targetNotebook({ app, tracker, model: beside, hasTabs: labShell !== null });
          const meant = { ...model, ...partOf(args) };
          if (target && typeof target !== 'string') {
            await insertAnalysis({ target, args: {}, models, meant });
          } else if (target !== undefined) {
            if (meant.model !== undefined) {
              keepWish(server, target, meant);
            }
            await showDialog({
              title: trans.__('A new notebook has opened'),
              body:
                meant.model === undefined
                  ? trans.__('It has a page of its own, where the files of this computer have to be opened again.')
                  : trans.__(
                      'It has a page of its own, which asks for the analysis of ‘%1’.',
                      PathExt.basename(meant.model)
                    ),
              buttons: [Dialog.okButton()]
            });
          }
        }
      }
    });
    /** What was meant in another page, which made this notebook for it, and whose own panel of it stands nowhere. */
    const grant = async (panel: NotebookPanel): Promise<void> => {
      await panel.context.ready;
      const meant = panel.isAttached ? takeWish(server, panel.context.path) : undefined;
      if (meant) {
        await insert(panel, { args: {}, meant });
      }
    };
    tracker?.widgetAdded.connect((_, panel) => void grant(panel));
    app.commands.addCommand(CommandIDs.closeModels, {
      label: trans.__('Close All ONNX Models'),
      caption: trans.__('Ends the workers of the open models, which gives their memory back'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: async () => {
        const { manager } = await models.services();
        manager.list().forEach(({ key }) => manager.close(key));
      }
    });
    const category = trans.__('Interpretability');
    for (const command of [CommandIDs.insertAnalysis, CommandIDs.closeModels]) {
      palette?.addItem({ command, category });
    }
  }
};

const partOf = ({ layer, head }: ReadonlyPartialJSONObject): { layer?: number; head?: number } => ({
  ...(typeof layer === 'number' && { layer }),
  ...(typeof head === 'number' && { head })
});
