import { toFloat32 } from '../onnx/decode-tensor';
import { numberToHalf } from '../onnx/number-to-half';
import { writeSafetensors } from '../onnx/safetensors';
import type { Tensor } from '../onnx/tensor';
import { alsoChanged } from '../subject/interventions/intervention-plan';
import { matchGlobs } from './cache-request';
import type { Command } from './command';
import { writeWhole } from './files';
import { INPUT } from './input-options';
import { inputReader } from './input-reader';
import { withSubject } from './open-subject';
import { readInterventionFile } from './intervention-file';
import { runInterventions } from './intervention-runs';
import { onlyPositional, readArguments } from './read-arguments';
import { THREADS, threadsOf } from './threads';
import { UsageError } from './usage-error';

const OPTIONS = {
  text: { ...INPUT.text },
  ids: { ...INPUT.ids },
  inputs: {
    type: 'string',
    value: 'F.safetensors',
    about: 'tensors by the names of the graph’s inputs; also beside a text, of a model that reads both'
  },
  'decoder-text': { ...INPUT['decoder-text'] },
  'decoder-ids': { ...INPUT['decoder-ids'] },
  hooks: {
    type: 'string',
    multiple: true,
    value: 'GLOB…',
    about: 'names of hooks and of the model’s own outputs; * stands for anything but a dot'
  },
  intervene: { ...INPUT.intervene },
  dtype: { type: 'string', default: 'float32', value: 'TYPE', about: 'float32 or float16 (float32)' },
  out: { type: 'string', value: 'F.safetensors', about: 'where to write' },
  ...THREADS
} as const;

export const cache: Command = {
  name: 'cache',
  usage: 'MODEL (--text T | --ids 1,2,3 | --inputs F.safetensors) --hooks GLOB… --out F.safetensors',
  summary: 'runs the model and writes hooks as safetensors',
  options: OPTIONS,
  run: async (args, console) => {
    const { values, positionals } = readArguments(args, OPTIONS, ['--hooks']);
    const path = onlyPositional(positionals, 'MODEL');
    const { hooks: globs, out } = values;
    if (globs === undefined || out === undefined) {
      throw new UsageError(`--${globs === undefined ? 'hooks' : 'out'} is missing`);
    }
    const dtype = dtypeOf(values.dtype);
    const threads = threadsOf(values);
    const reader = await inputReader(values);
    const opening = { path, threads, dims: reader.dims };
    const plan = values.intervene === undefined ? undefined : await readInterventionFile(values.intervene);
    await withSubject(opening, console, async (opened, context) => {
      const { subject, ...input } = reader.request(opened);
      const { hooks, outputs, leftOut } = matchGlobs(subject, globs);
      const interventions = plan && (await runInterventions(plan, subject, input.ids.length, context));
      const found = await subject.forward(
        { ...input, hooks, outputs, ...(interventions && { interventions }) },
        context
      );
      const tensors = new Map(found.names.map(name => [name, converted(found.get(name), dtype)]));
      const file = writeSafetensors(tensors, { model: subject.facts.hash, ids: JSON.stringify(input.ids) });
      await writeWhole(out, file);
      const note = leftOut.length > 0 ? `, ${leftOut.length} left out that are not verified (${leftOut[0]} …)` : '';
      const also = interventions ? alsoChanged(subject.anatomy, interventions.list) : [];
      const shared = also.length > 0 ? `; the interventions' tensors are also ${also.join(', ')}` : '';
      console.say(
        `wrote ${tensors.size} ${tensors.size === 1 ? 'tensor' : 'tensors'}, ${file.length} bytes, to ${out}${note}${shared}`
      );
    });
  }
};

type Dtype = 'float16' | 'float32';

const dtypeOf = (name: string): Dtype => {
  if (name !== 'float16' && name !== 'float32') {
    throw new UsageError(`--dtype is '${name}', wanted float16 or float32`);
  }
  return name;
};

/** Floating-point tensors in the type asked for; integers as they are. */
const converted = (tensor: Tensor, dtype: Dtype): Tensor => {
  if (!tensor.type.startsWith('float') || tensor.type === dtype) {
    return tensor;
  }
  const { dims } = tensor;
  const single = toFloat32(tensor);
  return dtype === 'float32'
    ? { dims, type: 'float32', data: single }
    : { dims, type: 'float16', data: Uint16Array.from(single, numberToHalf) };
};
