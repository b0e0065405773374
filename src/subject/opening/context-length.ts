/** Names that configurations give the longest sequence: Llama, BERT; GPT-2; older GPTs. */
const KEYS = ['max_position_embeddings', 'n_positions', 'n_ctx'] as const;

/** The longest sequence that a `config.json` declares; undefined where it says nothing. */
export const contextLength = (config: unknown): number | undefined => {
  if (typeof config !== 'object' || config === null) {
    return undefined;
  }
  const values = KEYS.map(key => (Object.hasOwn(config, key) ? (config as Record<string, unknown>)[key] : undefined));
  return values.find((value): value is number => Number.isInteger(value) && Number(value) > 0);
};
