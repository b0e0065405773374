import { writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { createNodeRuntime } from '../src/runtime/node';
import { openBench, QUIET } from './open-bench';
import { fiveKinds } from './patching';
import { residentBytes } from './resident-bytes';

const collect = async (): Promise<void> => {
  setFlagsFromString('--expose-gc');
  for (let round = 0; round < 3; round++) {
    (runInNewContext('gc') as () => void)();
    await new Promise(resolve => setTimeout(resolve, 100));
  }
};

/** One sweep in a process of its own; what it said beforehand, and how far the process grew, as JSON. */
const main = async (): Promise<void> => {
  const { files, request } = fiveKinds();
  const subject = await openBench(files(), createNodeRuntime());
  const { bytes, session } = subject.sweepCost(request);
  await collect();
  const before = residentBytes('VmRSS');
  writeFileSync('/proc/self/clear_refs', '5');
  await subject.sweep(request, QUIET);
  process.stdout.write(
    `${JSON.stringify({ activations: bytes, weights: session, grown: residentBytes('VmHWM') - before })}\n`
  );
  await subject.close();
};

void main();
