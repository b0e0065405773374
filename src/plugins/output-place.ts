import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { CodeCell } from '@jupyterlab/cells';
import type { Notebook, NotebookPanel } from '@jupyterlab/notebook';
import type { Widget } from '@lumino/widgets';

import { MIME_TYPE } from '../report/payload';
import type { OutputPlace, Sibling } from '../ui/output/output-place';

/** JupyterLab's own: a cell's outputs in a tab. */
const NEW_VIEW = 'notebook:create-output-view';

/** Where a widget is drawn, when that is a code cell of a notebook; undefined elsewhere (a view of an output, a console's history). */
export function outputPlace(widget: Widget, commands: JupyterFrontEnd['commands']): OutputPlace | undefined {
  const cell = above<CodeCell>(widget, 'jp-CodeCell');
  const notebook = cell && above<Notebook>(cell, 'jp-Notebook');
  const panel = notebook && above<NotebookPanel>(notebook, 'jp-NotebookPanel');
  if (!cell?.model || !notebook?.model || !panel) {
    return undefined;
  }
  const { sharedModel } = cell.model;
  const { context } = panel;
  const index = (): number => notebook.widgets.indexOf(cell);
  const activate = (): void => void (notebook.activeCellIndex = index());
  const openInTab = (): void => {
    activate();
    void commands.execute(NEW_VIEW, { path: context.path, index: index() });
  };
  return {
    source: { get: () => sharedModel.getSource(), set: text => sharedModel.setSource(text) },
    activate,
    ...(commands.hasCommand(NEW_VIEW) && { openInTab }),
    siblings: () => siblings(notebook),
    writable: !notebook.model.readOnly && context.contentsModel?.writable !== false,
    onSaveFailed: listener => {
      const heard = (_: unknown, state: string): void => void (state === 'failed' && listener());
      context.saveState.connect(heard);
      return () => context.saveState.disconnect(heard);
    }
  };
}

/** The nearest ancestor of a class. */
function above<W extends Widget>(widget: Widget, name: string): W | undefined {
  for (let { parent } = widget; parent; { parent } = parent) {
    if (parent.hasClass(name)) {
      return parent as W;
    }
  }
  return undefined;
}

function siblings(notebook: Notebook): Sibling[] {
  return notebook.widgets.flatMap(({ model }, at) =>
    model.type === 'code'
      ? (model as CodeCell['model']).outputs.toJSON().flatMap(output => {
          const data = output.data as Readonly<Record<string, unknown>> | undefined;
          return data && MIME_TYPE in data ? [{ cell: at + 1, content: data[MIME_TYPE] }] : [];
        })
      : []
  );
}
