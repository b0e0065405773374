import { showErrorMessage } from '@jupyterlab/apputils';
import type { CodeCell, ICellModel } from '@jupyterlab/cells';
import { isCodeCellModel } from '@jupyterlab/cells';
import { PathExt } from '@jupyterlab/coreutils';
import type * as nbformat from '@jupyterlab/nbformat';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { makeBundle } from '../report/bundle';
import { MIME_TYPE } from '../report/payload';
import { pythonSource } from '../report/python-source';
import { validatePayload } from '../report/validate-payload';
import { knownPaths } from '../ui/picker/known-paths';
import { pickAnalysis } from '../ui/picker/pick-analysis';
import type { OutputServices } from '../ui/services';
import type { TargetNotebook } from './target-notebook';
import type { IOrreryModels } from './tokens';

export interface InsertOptions {
  readonly target: TargetNotebook;
  /** An analysis, its model and spec; without an analysis, the picker asks. */
  readonly args: ReadonlyPartialJSONObject;
  readonly models: IOrreryModels;
  /** What the picker begins with: a model on the server, a part of it. */
  readonly meant?: Meant;
}

export interface Meant {
  readonly model?: string;
  /** Key of an open model that was dropped on the page. */
  readonly dropped?: string;
  readonly layer?: number;
  readonly head?: number;
}

/**
 * Adds a code cell below the active one whose output is the analysis, as if a kernel had emitted it. On a Python kernel the cell's
 * source gives the same output again.
 */
export async function insertAnalysis({ target, args, models, meant = {} }: InsertOptions): Promise<void> {
  const { analysis, model, spec, seed } = args;
  const services = await models.services();
  const picked =
    analysis === undefined
      ? await pickAnalysis({
          ...meant,
          services,
          notebook: target.path,
          paths: knownModels(target, services, meant.model),
          dropped: services.manager.list().find(({ key }) => key === meant.dropped)?.client
        })
      : { analysis, model: { path: model }, spec, seed, run: args.run !== false };
  const panel = picked && (await target.panel());
  if (!panel || panel.isDisposed) {
    return;
  }
  const { run, ...asked } = picked;
  try {
    const checked = validatePayload(asked);
    const { data } = makeBundle(checked);
    const source = languageOf(panel) === 'python' ? pythonSource(checked) : undefined;
    const cell = insertCodeCell(panel, source ?? '');
    cell.model.trusted = true;
    const { outputs } = cell.model;
    const count = outputs.add({ output_type: 'display_data', data: { ...data } as never, metadata: {} });
    if (run) {
      models.mean(outputs.get(count - 1));
    }
  } catch (error) {
    const title = services.trans.__('Nothing was inserted');
    await showErrorMessage(title, error instanceof Error ? error.message : String(error));
  }
}

/** Of the notebook's kernel; before it answers, of its specification. */
function languageOf({ sessionContext, content }: NotebookPanel): string {
  const name = sessionContext.session?.kernel?.name ?? sessionContext.kernelPreference.name ?? '';
  const { language } = sessionContext.specsManager.specs?.kernelspecs[name] ?? {};
  return (language ?? content.model?.defaultKernelLanguage ?? '').toLowerCase();
}

/** Without source and outputs. */
const isEmpty = (cell: ICellModel): boolean =>
  isCodeCellModel(cell) && cell.sharedModel.getSource() === '' && cell.outputs.length === 0;

/** A code cell whatever kind the user's new cells are; an empty one of a new notebook is taken. */
function insertCodeCell({ content: notebook }: NotebookPanel, source: string): CodeCell {
  const { sharedModel, cells } = notebook.model!;
  const only = cells.length === 1 && isEmpty(cells.get(0));
  const index = only ? 0 : notebook.activeCellIndex + 1;
  sharedModel.transact(() => {
    sharedModel.insertCell(index, { cell_type: 'code', source, metadata: {}, outputs: [] });
    if (only) {
      sharedModel.deleteCell(1);
    }
  });
  notebook.activeCellIndex = index;
  notebook.deselectAll();
  return notebook.activeCell as CodeCell;
}

/** Paths to offer, seen from the notebook: the one meant, models that are open, then those that its outputs name, then recent ones. */
function knownModels({ content, path }: TargetNotebook, services: OutputServices, meant: string | undefined): string[] {
  const first = meant === undefined || meant.includes(':') ? [] : [PathExt.relative(PathExt.dirname(path), meant)];
  const { open, before } = knownPaths(services, path);
  const named = Array.from(content?.model?.cells ?? []).flatMap(cell =>
    isCodeCellModel(cell) ? cell.outputs.toJSON().flatMap(pathOf) : []
  );
  return [...new Set([...first, ...open, ...named, ...before])];
}

function pathOf({ data }: nbformat.IOutput): string[] {
  try {
    return [validatePayload((data as Partial<nbformat.IMimeBundle>)[MIME_TYPE]).payload.model.path ?? []].flat();
  } catch {
    return [];
  }
}
