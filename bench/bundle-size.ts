import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { atMost, type Bench } from './bench';
import { firstLoad } from './first-load';

const FOLDER = 'jupyterlab_orrery/labextension';
const TARGET = 50;

/** JavaScript that JupyterLab loads before the first use: what its start and the plugins' activation ask for. */
export const bundleSize: Bench = {
  name: 'bundle-size',
  run: async () => {
    if (!existsSync(join(FOLDER, 'package.json'))) {
      throw new Error(`extension not built: '${FOLDER}' is not there; npm run build makes it`);
    }
    const { files, plugins } = await firstLoad(FOLDER);
    const sizes = files.map(file => gzipSync(readFileSync(join(FOLDER, 'static', file))).length / 1000);
    const parts = files.map((file, i) => `${file.replace(/\.[0-9a-f]{8,}(?=\.js$)/, '')} ${sizes[i].toFixed(1)}`);
    return atMost({
      name: 'bundle-size',
      value: sizes.reduce((sum, size) => sum + size, 0),
      unit: 'kB gzipped',
      target: TARGET,
      detail: `${files.length} files (${parts.join(', ')}), ${plugins} plugins activated in a sandbox`
    });
  }
};
