import type { JupyterFrontEnd } from '@jupyterlab/application';
import { PathExt } from '@jupyterlab/coreutils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

/** The notebook that was last looked at, where it can be changed; else a new one beside the model, on the default kernel. */
export async function targetNotebook(
  app: JupyterFrontEnd,
  tracker: INotebookTracker,
  model: string
): Promise<NotebookPanel> {
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
  })) as NotebookPanel;
  await panel.context.ready;
  return panel;
}
