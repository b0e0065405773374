import { showErrorMessage } from '@jupyterlab/apputils';
import type { CodeCell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { NotebookActions } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { makeBundle } from '../report/bundle';
import { validatePayload } from '../report/validate-payload';
import { askAnalysis } from '../ui/ask-analysis';
import type { IOrreryModels } from './tokens';

export interface InsertOptions {
  readonly panel: NotebookPanel;
  readonly args: ReadonlyPartialJSONObject;
  readonly models: IOrreryModels;
  readonly trans: TranslationBundle;
}

/** Adds a code cell below the active one whose output is the analysis, as if a kernel had emitted it. */
export async function insertAnalysis({ panel, args, models, trans }: InsertOptions): Promise<void> {
  const { analysis, model, spec, seed, run } = args;
  const asked = analysis === undefined ? await askAnalysis(trans) : { analysis, model: { path: model }, spec, seed };
  if (!asked) {
    return;
  }
  try {
    const checked = validatePayload(asked);
    const { data } = makeBundle(checked);
    const notebook = panel.content;
    NotebookActions.insertBelow(notebook);
    const cell = notebook.activeCell as CodeCell;
    cell.model.sharedModel.setSource('');
    cell.model.trusted = true;
    const { outputs } = cell.model;
    const count = outputs.add({ output_type: 'display_data', data: { ...data } as never, metadata: {} });
    if (run !== false) {
      models.mean(outputs.get(count - 1));
    }
  } catch (error) {
    await showErrorMessage(trans.__('Nothing was inserted'), error instanceof Error ? error.message : String(error));
  }
}
