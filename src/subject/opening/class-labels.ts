/** What a classifier's outputs are called, or why nothing says so. */
export type ClassLabels = { readonly labels: readonly string[] } | { readonly why: string };

const [MOST, LONGEST] = [4096, 200];
const NONE: ClassLabels = { why: 'no config.json beside it names classes (id2label)' };

/** By `config.json`: id2label, where exactly one class is meant. */
export const classLabels = (config: unknown): ClassLabels => {
  if (!isRecord(config) || !isRecord(config.id2label)) {
    return NONE;
  }
  const { problem_type: problem, id2label } = config;
  if (typeof problem === 'string' && problem !== 'single_label_classification') {
    return { why: `its config.json says '${problem.slice(0, LONGEST)}', which is no choice of one class` };
  }
  const size = Object.keys(id2label).length;
  const labels = Array.from({ length: Math.min(size, MOST) }, (_, id) =>
    Object.hasOwn(id2label, id) ? id2label[id] : undefined
  );
  return size > 1 && size <= MOST && labels.every(label => typeof label === 'string')
    ? { labels: labels.map(label => (label as string).slice(0, LONGEST)) }
    : { why: 'its config.json does not name each of several classes (id2label)' };
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
