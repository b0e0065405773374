import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const FIXTURES = join(__dirname, '..', 'fixtures');

export interface OracleTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** Numbers that other people's code computed for a fixture model: fp32 tensors by hook name. */
export function oracleTensors(model: string): (name: string) => OracleTensor {
  const file = readFileSync(join(FIXTURES, 'models', model, 'expected.safetensors'));
  const headerLength = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerLength));
  return name => {
    const entry = header[name];
    if (entry?.dtype !== 'F32') {
      throw new Error(`oracle of ${model}: no fp32 tensor '${name}'`);
    }
    const [from, to] = entry.data_offsets.map((offset: number) => offset + 8 + headerLength);
    return {
      dims: entry.shape,
      data: new Float32Array(file.buffer.slice(file.byteOffset + from, file.byteOffset + to))
    };
  };
}

/** test/fixtures/analyses/<name>.json */
export function oracleNumbers(name: string): Record<string, Record<string, unknown>> {
  return JSON.parse(readFileSync(join(FIXTURES, 'analyses', `${name}.json`), 'utf8'));
}
