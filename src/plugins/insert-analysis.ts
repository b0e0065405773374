import { showErrorMessage } from '@jupyterlab/apputils';
import type { CodeCell } from '@jupyterlab/cells';
import { isCodeCellModel } from '@jupyterlab/cells';
import { PathExt } from '@jupyterlab/coreutils';
import type * as nbformat from '@jupyterlab/nbformat';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { makeBundle } from '../report/bundle';
import { MIME_TYPE } from '../report/payload';
import { validatePayload } from '../report/validate-payload';
import { askAnalysis } from '../ui/ask-analysis';
import type { IOrreryModels } from './tokens';

export interface InsertOptions {
  readonly panel: NotebookPanel;
  readonly args: ReadonlyPartialJSONObject;
  readonly models: IOrreryModels;
  readonly trans: TranslationBundle;
  /** On the server: offered first. */
  readonly model?: string;
}

/** Adds a code cell below the active one whose output is the analysis, as if a kernel had emitted it. */
export async function insertAnalysis({ panel, args, models, trans, model: meant }: InsertOptions): Promise<void> {
  const { analysis, model, spec, seed, run } = args;
  const asked =
    analysis === undefined
      ? await askAnalysis(trans, [
          ...(meant === undefined ? [] : [PathExt.relative(PathExt.dirname(panel.context.path), meant)]),
          ...(await knownModels(panel, models))
        ])
      : { analysis, model: { path: model }, spec, seed };
  if (!asked || panel.isDisposed) {
    return;
  }
  try {
    const { data } = makeBundle(validatePayload(asked));
    const cell = insertCodeCell(panel);
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

/** A code cell whatever kind the user's new cells are. */
function insertCodeCell({ content: notebook }: NotebookPanel): CodeCell {
  const index = notebook.activeCellIndex + 1;
  notebook.model!.sharedModel.insertCell(index, { cell_type: 'code', source: '', metadata: {}, outputs: [] });
  notebook.activeCellIndex = index;
  notebook.deselectAll();
  return notebook.activeCell as CodeCell;
}

/** Paths to offer, seen from the notebook: models that are open, then those that its outputs name. */
async function knownModels({ content, context }: NotebookPanel, models: IOrreryModels): Promise<string[]> {
  const { manager } = await models.services();
  const folder = PathExt.dirname(context.path);
  const open = manager
    .list()
    .filter(({ key }) => !key.includes(':'))
    .map(({ key }) => PathExt.relative(folder, key));
  const named = Array.from(content.model?.cells ?? []).flatMap(cell =>
    isCodeCellModel(cell) ? cell.outputs.toJSON().flatMap(pathOf) : []
  );
  return [...new Set([...open, ...named])];
}

function pathOf({ data }: nbformat.IOutput): string[] {
  try {
    return [validatePayload((data as Partial<nbformat.IMimeBundle>)[MIME_TYPE]).payload.model.path ?? []].flat();
  } catch {
    return [];
  }
}
