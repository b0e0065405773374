import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(__dirname, '../fixtures/onnx');

export const FIXTURES = ['raw', 'typed', 'external', 'attributes', 'subgraph', 'functions', 'unknown', 'unpacked'];

export const fixtureBytes = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name)));

export const fixtureJson = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8')) as unknown;
