import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

import { targetNotebook } from '../../src/plugins/target-notebook';

const panel = (path: string, readOnly = false): NotebookPanel =>
  ({
    id: path,
    content: { model: { readOnly } },
    context: { path, ready: Promise.resolve() }
  }) as unknown as NotebookPanel;

function setUp(current: NotebookPanel | null, hasTabs = true) {
  const made: unknown[] = [];
  const activated: string[] = [];
  const app = {
    shell: { activateById: (id: string) => activated.push(id) },
    serviceManager: { kernelspecs: { ready: Promise.resolve(), specs: { default: 'python3' } } },
    commands: {
      execute: async (id: string, args: object) => {
        made.push([id, args]);
        return panel('models/Untitled1.ipynb');
      }
    }
  } as unknown as JupyterFrontEnd;
  const tracker = { currentWidget: current } as unknown as INotebookTracker;
  return { made, activated, asked: targetNotebook({ app, tracker, model: 'models/model.onnx', hasTabs }) };
}

test('the notebook that was last looked at', async () => {
  const open = panel('work/notebook.ipynb');
  const { made, activated, asked } = setUp(open);
  const target = await asked;
  expect(target).toMatchObject({ path: 'work/notebook.ipynb', content: open.content });
  expect(await (target as Exclude<typeof target, string | undefined>)!.panel()).toBe(open);
  expect(activated).toEqual(['work/notebook.ipynb']);
  expect(made).toEqual([]);
});

test.each([null, panel('read-only.ipynb', true)])(
  'else one beside the model, made when it is wanted',
  async current => {
    const { made, asked } = setUp(current);
    const target = (await asked) as Exclude<Awaited<typeof asked>, string | undefined>;
    expect(target).toMatchObject({ path: 'models/Untitled.ipynb' });
    expect(made).toEqual([]);
    expect((await target.panel())?.context.path).toBe('models/Untitled1.ipynb');
    expect(made).toEqual([['notebook:create-new', { cwd: 'models', kernelName: 'python3' }]]);
  }
);

test('at once, in a page of its own, where the host has no tabs', async () => {
  const { made, asked } = setUp(null, false);
  expect(await asked).toBe('models/Untitled1.ipynb');
  expect(made).toHaveLength(1);
});
