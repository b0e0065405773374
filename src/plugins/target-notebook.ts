import type { JupyterFrontEnd } from '@jupyterlab/application';
import { PathExt } from '@jupyterlab/coreutils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

/** A notebook that an analysis goes into. */
export interface TargetNotebook {
  /** Of one that is not made yet, a path in its folder. */
  readonly path: string;
  /** Absent before it is made. */
  readonly content?: NotebookPanel['content'];
  /** Makes it where it is not there; undefined where that failed. */
  panel(): Promise<NotebookPanel | undefined>;
}

export const openNotebook = (panel: NotebookPanel): TargetNotebook => ({
  path: panel.context.path,
  content: panel.content,
  panel: async () => panel
});

export interface TargetOptions {
  readonly app: JupyterFrontEnd;
  readonly tracker: INotebookTracker;
  /** Path of the model, or of a folder, with its last slash. */
  readonly model: string;
  /** Whether the host shows a new notebook in this page. */
  readonly hasTabs: boolean;
}

/**
 * The notebook that was last looked at, where it can be changed; else one beside the model, on the default kernel, made when the analysis is there.
 * A host with a page a notebook (Notebook 7) makes it at once: its path alone; undefined where none was made.
 */
export async function targetNotebook({
  app,
  tracker,
  model,
  hasTabs
}: TargetOptions): Promise<TargetNotebook | string | undefined> {
  const { currentWidget } = tracker;
  if (currentWidget?.content.model?.readOnly === false) {
    app.shell.activateById(currentWidget.id);
    return openNotebook(currentWidget);
  }
  const folder = PathExt.dirname(model);
  const make = async (): Promise<NotebookPanel | undefined> => {
    const { kernelspecs } = app.serviceManager;
    await kernelspecs.ready;
    const kernelName = kernelspecs.specs?.default ?? '';
    return (await app.commands.execute('notebook:create-new', { cwd: folder, kernelName })) as
      NotebookPanel | undefined;
  };
  if (!hasTabs) {
    return (await make())?.context.path;
  }
  const panel = async (): Promise<NotebookPanel | undefined> => {
    const made = await make();
    await made?.context.ready;
    return made;
  };
  return { path: PathExt.join(folder, 'Untitled.ipynb'), panel };
}
