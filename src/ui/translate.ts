import type { TranslationBundle } from '@jupyterlab/translation';

/** What views need of a translation bundle. */
export type Translate = Pick<TranslationBundle, '__' | '_n'>;
