import type { Tower } from './anatomy';

/** From the last block's stream to what the model puts out. */
export interface HeadWay {
  /** The stream's tensor, and the hook that is this tensor. */
  readonly input: string;
  readonly hook: string;
  /** The graph output. */
  readonly output: string;
  /** The first weight that meets the stream, as far as it is known. */
  readonly weight?: string;
}

/** By the unembedding; of a tower without one by the layer that another output is made of. */
export function headWay({ head, outputLayer, blocks, finalNorm }: Tower): HeadWay | undefined {
  if (head) {
    const weight = head.norm?.weight ?? head.unembed.weight;
    return { input: head.input, hook: head.hook, output: head.logits, ...(weight !== undefined && { weight }) };
  }
  const last = blocks.at(-1);
  if (!outputLayer || !last) {
    return undefined;
  }
  const weight = finalNorm?.weight ?? outputLayer.layer.weight;
  const at = `blocks.${blocks.length - 1}.`;
  return {
    ...(last.normalizedResidPost === undefined
      ? { input: last.residPost, hook: `${at}hook_resid_post` }
      : { input: last.normalizedResidPost, hook: `${at}hook_normalized_resid_post` }),
    output: outputLayer.output,
    ...(weight !== undefined && { weight })
  };
}
