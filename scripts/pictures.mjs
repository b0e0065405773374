// npm run pictures [-- NOTEBOOK…]: runs the quickstart and the studies, or those named, in a real JupyterLab, keeps their
// outputs, and takes a picture of each figure of the quickstart in both themes into docs/images/.
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findBrowser } from './browser.mjs';
import { checkNode, ensurePackages, ensurePython, refuse, root, run, say } from './environment.mjs';
import { execute, runNotebook, withLab } from './lab-server.mjs';
import { noCodePictures } from './no-code-pictures.mjs';

const PICTURED = 'quickstart.ipynb';
const studies = readdirSync(join(root, 'examples', 'studies')).filter(name => name.endsWith('.ipynb'));
const known = [PICTURED, ...studies.map(name => `studies/${name}`)];
const LARGEST = 200_000;
const THEMES = { light: 'JupyterLab Light', dark: 'JupyterLab Dark' };
const images = join(root, 'docs', 'images');

/** Without what changes from run to run and says nothing: cell ids stay, timings and the kernel's version go. */
function settled(text) {
  const notebook = JSON.parse(text);
  notebook.metadata = { kernelspec: notebook.metadata.kernelspec, language_info: { name: 'python' } };
  for (const cell of notebook.cells) {
    cell.metadata = {};
  }
  return `${JSON.stringify(notebook, null, 1)}\n`;
}

/** One picture an analysis: the first output of each. */
async function pictures(page, theme) {
  const outputs = page.locator('.jp-orrery-output');
  const taken = new Set();
  for (let i = 0; i < (await outputs.count()); i++) {
    const output = outputs.nth(i);
    await output.scrollIntoViewIfNeeded();
    const title = await output.locator('.jp-orrery-title').textContent();
    const name = `${title.split(',')[0].toLowerCase().replaceAll(' ', '-')}-${theme}.png`;
    if (!taken.has(name)) {
      taken.add(name);
      await drawn(output);
      await openHead(output);
      await picture(output, join(images, name));
    }
  }
}

async function picturesInThemes(page) {
  await page.addStyleTag({ content: '.Toastify { display: none }' });
  for (const [theme, name] of Object.entries(THEMES)) {
    await execute(page, 'apputils:change-theme', { theme: name });
    await page.locator(`body[data-jp-theme-name="${name}"]`).waitFor({ state: 'attached' });
    await pictures(page, theme);
  }
}

/** Plots are drawn when they are first seen. */
const drawn = output =>
  output
    .locator('.jp-orrery-plotly:not(:has(.js-plotly-plot))')
    .first()
    .waitFor({ state: 'detached', timeout: 30_000 });

/** Of the atlas: L1H2, which copies. */
async function openHead(output) {
  const atlas = output.getByRole('grid').locator('canvas');
  if ((await atlas.count()) > 0) {
    const { width, height } = await atlas.boundingBox();
    await atlas.click({ position: { x: width * 0.625, y: height * 0.75 } });
  }
}

/** At twice the size where that is not too large; nothing lies under the pointer. */
async function picture(output, path) {
  await output.page().mouse.move(0, 0);
  for (const scale of ['device', 'css']) {
    await output.screenshot({ path, scale, animations: 'disabled' });
    if (statSync(path).size <= LARGEST) {
      break;
    }
  }
  say(`${path}: ${statSync(path).size} bytes`);
}

const named = process.argv.slice(2);
const unknown = named.find(name => !known.includes(name));
if (unknown !== undefined) {
  refuse(`notebook unknown: '${unknown}' (known: ${known.join(', ')})`);
}
checkNode();
ensurePackages();
ensurePython();
run(process.execPath, [join(root, 'scripts', 'build.mjs')], { failure: 'the build failed' });
mkdirSync(images, { recursive: true });

await withLab(
  {
    port: 8991,
    executablePath: await findBrowser(),
    context: { deviceScaleFactor: 2, viewport: { width: 1280, height: 2600 } }
  },
  async (page, read) => {
    for (const notebook of named.length > 0 ? named : known) {
      await runNotebook(page, notebook);
      writeFileSync(join(root, 'examples', notebook), settled(read(notebook)));
      say(`examples/${notebook}: outputs kept`);
      if (notebook === PICTURED) {
        await picturesInThemes(page);
        await execute(page, 'application:close');
        await execute(page, 'apputils:change-theme', { theme: THEMES.light });
        await noCodePictures(page, images);
        await page.setViewportSize({ width: 1280, height: 2600 });
      }
    }
  }
);
