import type { JupyterFrontEnd } from '@jupyterlab/application';
import { PathExt } from '@jupyterlab/coreutils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

/**
 * The notebook that was last looked at, where it can be changed; else a new one beside the model, on the default kernel. Its path alone where
 * the host opens it in a page of its own, as Notebook 7 does; undefined where none was made.
 */
export async function targetNotebook(
  app: JupyterFrontEnd,
  tracker: INotebookTracker,
  model: string
): Promise<NotebookPanel | string | undefined> {
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
    return panel?.context.path;
  }
  await panel.context.ready;
  return panel;
}
