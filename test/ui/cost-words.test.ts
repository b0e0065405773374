import type { Cost } from '../../src/subject/subject';
import { costWords } from '../../src/ui/cost-words';
import { trans } from './translate';

test.each<[Cost, string]>([
  [{ forwards: 0, bytes: 0 }, 'No forward: the file’s own numbers are read.'],
  [{ forwards: 1, bytes: 2000, seconds: 0.2 }, '1 forward, 2.00 kB of activations.'],
  [
    { forwards: 72, bytes: 2000, work: 72, session: 0, seconds: 36 },
    '72 forwards, 2.00 kB of activations. About 40 s here.'
  ],
  [
    { forwards: 1080, bytes: 22e6, work: 233.2, session: 66.6e6, seconds: 119 },
    'What 1080 forwards give, for the work of 234; 22.0 MB of activations. The weights are held once more: 66.6 MB. About 2 min here.'
  ],
  [
    { forwards: 9, bytes: 1, work: 0.1, seconds: 9000 },
    'What 9 forwards give, for the work of 1; 1 B of activations. About 3 h here.'
  ]
])('%j is said as “%s”', (cost, words) => expect(costWords(cost, trans)).toBe(words));
