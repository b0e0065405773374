import { openSubject } from '../src/cli/open-subject';
import { QUIET } from './open-bench';
import { residentBytes } from './resident-bytes';

/** Opens the model in the folder that is named, as the command line does; resident bytes before and at the peak, as JSON. */
const main = async (folder: string): Promise<void> => {
  const before = residentBytes('VmRSS');
  const subject = await openSubject({ path: folder }, QUIET);
  process.stdout.write(`${JSON.stringify({ before, peak: residentBytes('VmHWM') })}\n`);
  await subject.close();
};

void main(process.argv[2]);
