/** @jest-environment ./test/jsdom.cjs */
import 'jest-canvas-mock';

import { MIME_TYPE } from '../../src/report/payload';
import { AnalysisOutput } from '../../src/ui/output/analysis-output';
import type { OutputServices } from '../../src/ui/services';
import type { RunOptions } from '../../src/worker/client';
import type { ModelSource } from '../../src/worker/protocol';

test('a second model is looked for beside the notebook, as the first is', async () => {
  let asked: RunOptions | undefined;
  const client = {
    state: 'closed',
    opened: undefined,
    open: async () => ({ facts: { label: 'm', hash: 'sha256:0' } }),
    run: async (_: string, __: unknown, ___: number, options: RunOptions) => {
      asked = options;
      throw new Error('seen');
    }
  };
  const services = {
    manager: { get: () => client, list: () => [], onChange: () => () => undefined },
    trans: { __: (text: string) => text, _n: (one: string) => one },
    version: '0.1.0',
    locate: (path: string, notebook: string) => ({
      key: path,
      source: async (): Promise<ModelSource> => ({ label: `${path} from ${notebook}`, files: [], headers: {} })
    }),
    choose: async () => undefined,
    budget: () => 300_000
  } as unknown as OutputServices;
  const output = new AnalysisOutput(services);
  output.display({
    mimeType: MIME_TYPE,
    content: { analysis: 'head-comparison', model: { path: 'a' }, spec: { other: 'models/b' } },
    notebook: 'work/n.ipynb',
    key: {},
    output: { setData: () => undefined }
  });
  output.run();
  for (let tries = 0; tries < 100 && !asked; tries++) {
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  expect((await asked!.others!()).map(({ path, source: { label } }) => [path, label])).toEqual([
    ['models/b', 'models/b from work/n.ipynb']
  ]);
});
