import type { JupyterFrontEnd } from '@jupyterlab/application';
import { PathExt } from '@jupyterlab/coreutils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

/**
 * The notebook that was last looked at, where it can be changed; else a new one beside the model, on the default kernel. Undefined where
 * the host opens that in a page of its own, as Notebook 7 does.
 */
export async function targetNotebook(
  app: JupyterFrontEnd,
  tracker: INotebookTracker,
  model: string
): Promise<NotebookPanel | undefined> {
  const { currentWidget } = tracker;
  if (currentWidget?.content.model?.readOnly === false) {
    app.shell.activateById(currentWidget.id);
    return currentWidget;
  }
  const { kernelspecs } = app.serviceManager;
  await kernelspecs.ready;
  const panel = (await app.commands.execute('notebook:create-new', {
    cwd: PathExt.dirname(model),
    kernelName: kernelspecs.specs?.default ?? ''
  })) as NotebookPanel | undefined;
  // Notebook 7 gives back a panel that stands nowhere.
  if (!panel?.isAttached) {
    return undefined;
  }
  await panel.context.ready;
  return panel;
}
