// npm run fixtures [-- --only FAMILY]: makes test/fixtures again in a Python environment of its own.
import { fileURLToPath } from 'node:url';

import { run } from './environment.mjs';
import { pythonEnvironment } from './python-environment.mjs';

const here = fileURLToPath(new URL('../test/fixtures/', import.meta.url));
const python = pythonEnvironment('fixtures', `${here}requirements.txt`);
run(python, [`${here}generate.py`, ...process.argv.slice(2)]);
if (process.argv.length === 2) {
  run(python, [`${here}fused.py`]);
  run(python, [`${here}matrix.py`]);
  run(python, [`${here}matrix_pairs.py`]);
  run(python, [`${here}speech.py`]);
  run(python, [`${here}hearing.py`]);
  run(python, [`${here}vision.py`]);
  run(python, [`${here}two_towers.py`]);
  run(python, [`${here}output_layers.py`]);
  run(python, [`${here}embeds.py`]);
  run(python, [`${here}images.py`]);
  run(python, [`${here}handwritten.py`]);
  run(python, [`${here}merged.py`]);
  run(python, [`${here}quantised.py`]);
  run(python, [`${here}operators.py`]);
  run(python, [`${here}patching.py`]);
  run(python, [`${here}pair_patching.py`]);
  run(python, [`${here}geometry.py`]);
  run(python, [`${here}similarity.py`]);
  run(python, [`${here}languages.py`]);
  run(python, [`${here}generalisation.py`]);
  run(python, [`${here}lipschitz.py`]);
  const tracr = pythonEnvironment('tracr', `${here}requirements-tracr.txt`);
  run(tracr, [`${here}tracr_models.py`]);
  run(tracr, [`${here}induction_by_hand.py`]);
  run(pythonEnvironment('measures', `${here}requirements-measures.txt`), [`${here}measures.py`]);
}
