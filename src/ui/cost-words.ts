import type { Cost } from '../subject/subject';
import { bytesText } from './bytes-text';
import type { Translate } from './translate';

/** What a run will take of the model. */
export const costWords = ({ forwards, bytes }: Cost, trans: Translate): string =>
  forwards === 0
    ? trans.__('No forward: the file’s own numbers are read.')
    : trans._n('%1 forward, %2 of activations.', '%1 forwards, %2 of activations.', forwards, bytesText(bytes));
