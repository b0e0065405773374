import type { Tensor } from '../onnx/tensor';
import { writeSafetensors } from '../onnx/safetensors';
import type { ModelWeights } from '../subject/weights/model-weights';
import type { WeightName } from '../subject/weights/weight-table';
import type { Command } from './command';
import { writeWhole } from './files';
import { withSubject } from './open-subject';
import { onlyPositional, readArguments } from './read-arguments';
import { UsageError } from './usage-error';

const OPTIONS = {
  names: {
    type: 'string',
    multiple: true,
    value: 'GLOB…',
    about: 'W_Q, blocks.0.attn.W_O, …; * stands for anything but a dot'
  },
  out: { type: 'string', value: 'F.safetensors', about: 'where to write' }
} as const;

export const weights: Command = {
  name: 'weights',
  usage: 'MODEL --names GLOB… --out F.safetensors',
  summary: 'writes weights by head in the conventions of TransformerLens (W_Q, W_O, W_E, …), dequantised',
  options: OPTIONS,
  run: async (args, console) => {
    const { values, positionals } = readArguments(args, OPTIONS, ['--names']);
    const path = onlyPositional(positionals, 'MODEL');
    const { names: globs, out } = values;
    if (globs === undefined || out === undefined) {
      throw new UsageError(`--${globs === undefined ? 'names' : 'out'} is missing`);
    }
    await withSubject({ path }, console, async subject => {
      const names = matching(subject.weights, globs);
      const tensors = new Map<string, Tensor>(names.map(name => [name, subject.weights.read(name)]));
      const file = writeSafetensors(tensors, { model: subject.facts.hash });
      await writeWhole(out, file);
      console.say(
        `wrote ${tensors.size} ${tensors.size === 1 ? 'tensor' : 'tensors'}, ${file.length} bytes, to ${out}`
      );
    });
  }
};

/** `*` stands for anything. A name without it is read as it is, so that what is missing is refused with its reason. */
const matching = ({ names }: ModelWeights, globs: readonly string[]): readonly WeightName[] => {
  const found = globs.flatMap(glob => {
    const pattern = new RegExp(`^${glob.split('*').map(escaped).join('.*')}$`, 'u');
    const matched = names.filter(name => pattern.test(name));
    if (matched.length === 0 && glob.includes('*')) {
      throw new Error(`weight unknown: '${glob}' matches none of ${names.join(', ')}`);
    }
    return glob.includes('*') ? matched : [glob as WeightName];
  });
  return [...new Set(found)];
};

const escaped = (text: string): string => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
