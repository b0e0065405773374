import type { ModelFacts } from '../subject/subject';

/** "'gpt2' has no tokenizer.json beside it", or why the one that is there does not serve. */
export const noTokenizer = ({ label, tokenizerFault }: Pick<ModelFacts, 'label' | 'tokenizerFault'>): string =>
  tokenizerFault === undefined
    ? `'${label}' has no tokenizer.json beside it`
    : `the tokenizer.json of '${label}' is not served (${tokenizerFault})`;
