import type { IJupyterLabPageFixture } from '@jupyterlab/galata';
import { test as base } from '@jupyterlab/galata';
import { expect } from '@playwright/test';
import type { ConsoleMessage, Locator, Page, Request, Worker } from '@playwright/test';

export { expect };

export const MIME_TYPE = 'application/vnd.orrery.v1+json';
/** Beside the notebooks' temporary folders on the server. */
export const TINY = '../models/gpt2-hub';

export interface NotebookCell {
  readonly cell_type: 'code' | 'markdown';
  readonly source: string | string[];
  readonly metadata: object;
  readonly outputs?: readonly NotebookOutput[];
}

export interface NotebookOutput {
  readonly output_type: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export interface Notebook {
  readonly cells: readonly NotebookCell[];
  readonly metadata: object;
  readonly nbformat: 4;
  readonly nbformat_minor: number;
}

/** What the page asked for and complained about. */
export interface Watch {
  /** URLs of wasm, models and workers. */
  readonly heavy: string[];
  /** Errors that are ours: uncaught ones, and messages that name our files. */
  readonly problems: string[];
}

const HEAVY = /\.(wasm|onnx|onnx_data)(\?|$)|model\.worker\.|ort-wasm/;

export const watch = (page: Page): Watch => {
  const seen: Watch = { heavy: [], problems: [] };
  page.on('request', (request: Request) => HEAVY.test(request.url()) && seen.heavy.push(request.url()));
  page.on('worker', worker => seen.heavy.push(worker.url()));
  page.on('pageerror', error => isOurs(`${error.message}\n${error.stack}`) && seen.problems.push(error.message));
  page.on('console', (message: ConsoleMessage) => {
    if (message.type() === 'error' && isOurs(`${message.text()} ${message.location().url}`)) {
      seen.problems.push(message.text());
    }
  });
  return seen;
};

const isOurs = (text: string): boolean => /orrery/i.test(text);

/** Galata's test, with a record of what the page asked for; ready when the application is, launcher or not. */
export const test = base.extend<{ seen: Watch }>({
  waitForApplication: async ({ baseURL: _ }, use) =>
    use(page => page.locator('#jupyterlab-splash').waitFor({ state: 'detached' })),
  seen: [async ({ page }, use) => use(watch(page)), { auto: true }]
});

export const code = (source: string, outputs: readonly NotebookOutput[] = []): NotebookCell => ({
  cell_type: 'code',
  source,
  metadata: {},
  outputs
});

export const PYTHON = { kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' } };

export const notebook = (cells: readonly NotebookCell[], metadata: object = PYTHON): Notebook => ({
  cells: cells.map(cell => (cell.cell_type === 'code' ? { execution_count: null, ...cell } : cell)),
  metadata,
  nbformat: 4,
  nbformat_minor: 4
});

/** An output that holds a spec without a result, as any kernel can emit it. */
export const specOutput = (payload: object | string, mimeType = MIME_TYPE): NotebookOutput => ({
  output_type: 'display_data',
  data: { [mimeType]: payload, 'text/plain': 'not run yet' },
  metadata: {}
});

export const payload = (spec: object, analysis = 'attention-patterns', path = TINY): object => ({
  analysis,
  model: { path },
  seed: 0,
  spec
});

/** Writes a notebook beside the others and opens it. */
export async function open(page: IJupyterLabPageFixture, folder: string, content: Notebook): Promise<string> {
  const path = `${folder}/notebook.ipynb`;
  await page.contents.uploadContent(JSON.stringify(content), 'text', path);
  await execute(page, 'docmanager:open', { path });
  return path;
}

interface LabWindow {
  readonly jupyterapp: {
    readonly shell: { readonly currentWidget: { readonly sessionContext?: SessionContext } | null };
    readonly commands: { execute(id: string, args?: object): Promise<unknown> };
  };
}

interface SessionContext {
  readonly session: { readonly kernel: { readonly connectionStatus: string; readonly status: string } | null } | null;
}

/** A cell run before the kernel answers is silently dropped by the host. */
export async function kernelReady(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const { jupyterapp } = window as unknown as LabWindow;
    const kernel = jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel;
    return kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
  });
}

export const execute = async (page: Page, command: string, args: object = {}): Promise<void> =>
  page.evaluate(
    async ([id, options]) => {
      await (window as unknown as LabWindow).jupyterapp.commands.execute(id as string, options as object);
    },
    [command, args] as const
  );

/** Runs all cells on the kernel. */
export async function runAll(page: Page): Promise<void> {
  await kernelReady(page);
  await execute(page, 'notebook:run-all-cells');
}

export async function save(page: Page, path: string): Promise<Notebook> {
  await execute(page, 'docmanager:save');
  return read(page, path);
}

/** The notebook's file on the server. */
export async function read(page: Page, path: string): Promise<Notebook> {
  const answer = await page.request.get(`/api/contents/${path}?content=1`);
  return ((await answer.json()) as { content: Notebook }).content;
}

/** Loads the page anew, with the notebook in it; what it asks for from then on. */
export async function reopen(page: IJupyterLabPageFixture, path: string): Promise<Watch> {
  const seen = watch(page);
  await page.reload();
  await execute(page, 'docmanager:open', { path });
  return seen;
}

export const withoutKernel = (page: Page): Promise<void> =>
  page.locator('.jp-Dialog').getByRole('button', { name: 'No Kernel' }).click();

/** Loads the page anew; from then on says how many analyses its workers were asked to run. */
export async function countRuns(page: Page): Promise<() => Promise<number>> {
  await page.addInitScript(() => {
    const counted = window as unknown as { runs: number };
    counted.runs = 0;
    const post = Worker.prototype.postMessage as (this: Worker, ...args: unknown[]) => void;
    Worker.prototype.postMessage = function (this: Worker, ...args: unknown[]) {
      counted.runs += (args[0] as { type?: string } | null)?.type === 'run' ? 1 : 0;
      post.apply(this, args);
    } as typeof Worker.prototype.postMessage;
  });
  await page.reload();
  return () => page.evaluate(() => (window as unknown as { runs: number }).runs);
}

export const modelWorkers = (page: Page): Worker[] =>
  page.workers().filter(worker => worker.url().includes('model.worker'));

/** Our outputs in the page, in the notebook's order. */
export const outputs = (page: Page): Locator => page.locator('.jp-orrery-output');

/** Our data in a saved notebook, in the notebook's order. */
export const bundles = ({ cells }: Notebook): Readonly<Record<string, unknown>>[] =>
  cells.flatMap(cell => cell.outputs ?? []).flatMap(({ data }) => (data && MIME_TYPE in data ? [data] : []));

/** Waits until so many outputs hold a result. */
export const finished = (page: Page, count: number): Promise<void> =>
  expect(outputs(page).getByRole('button', { name: 'Run again' })).toHaveCount(count, { timeout: 60_000 });
