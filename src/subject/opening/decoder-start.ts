/** The id that a decoder begins with, as `config.json` or `generation_config.json` declares it; undefined where it says nothing. */
export const decoderStart = (config: unknown): number | undefined => {
  if (typeof config !== 'object' || config === null || !Object.hasOwn(config, 'decoder_start_token_id')) {
    return undefined;
  }
  const { decoder_start_token_id: id } = config as { readonly decoder_start_token_id: unknown };
  return Number.isInteger(id) && Number(id) >= 0 ? Number(id) : undefined;
};
