import { fromBase64 } from './base64';
import { EIGEN_WASM } from './eigen-wasm';
import { inflate } from './inflate';
import type { Matrix } from './matrix';

/**
 * Decompositions and products in double precision, by Eigen 3.4 in WebAssembly: 4 to 5 times LAPACK's time for singular values of
 * 768 × 768 (ml-matrix: 18 to 34 times). All throw for an empty matrix, for a number that is not finite, and where an
 * iteration does not converge or memory ends.
 */
export interface LinearAlgebra {
  /** [min(rows, columns)], largest first. */
  singularValues(a: Matrix): Float64Array;
  /** a = u · diag(s) · vᵀ, thin: u [rows, k], v [columns, k]. */
  svd(a: Matrix): { readonly u: Matrix; readonly s: Float64Array; readonly v: Matrix };
  /** Of a symmetric matrix, smallest first. */
  symmetricEigenvalues(a: Matrix): Float64Array;
  /** The same with the eigenvectors as columns. */
  symmetricEigen(a: Matrix): { readonly values: Float64Array; readonly vectors: Matrix };
  /** Of any square matrix, in no order. */
  eigenvalues(a: Matrix): { readonly re: Float64Array; readonly im: Float64Array };
  /** a = q · r, thin: q [rows, k], r [k, columns]. */
  qr(a: Matrix): { readonly q: Matrix; readonly r: Matrix };
  /** x of a · x = b for a symmetric positive definite a. */
  solvePositive(a: Matrix, b: Float64Array): Float64Array;
  multiply(a: Matrix, b: Matrix): Matrix;
  /** `work` multiplies by b as often as it likes; b is checked and put into the module's memory once. */
  multiplying<T>(b: readonly Matrix[], work: (times: readonly ((a: Matrix) => Matrix)[]) => T): T;
  /**
   * Frobenius norms of the blocks [block.rows, block.columns] of a · b, [row of blocks][column of blocks] in one list. The product is in single precision (twice as
   * fast), of matrices that are scaled to at most 1; its squares are added in double precision: relative errors of about 1e-7.
   */
  blockNorms(a: Matrix, b: Matrix, block: { readonly rows: number; readonly columns: number }): Float64Array;
}

/** What the module exports; pointers are byte offsets. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  malloc(bytes: number): number;
  free(pointer: number): void;
  singular_values(m: number, n: number, a: number, s: number): number;
  svd(m: number, n: number, a: number, u: number, s: number, v: number): number;
  symmetric_eigenvalues(n: number, a: number, w: number): number;
  symmetric_eigen(n: number, a: number, w: number, v: number): number;
  eigenvalues(n: number, a: number, re: number, im: number): number;
  qr(m: number, n: number, a: number, q: number, r: number): number;
  solve_positive(n: number, a: number, b: number): number;
  multiply(m: number, k: number, n: number, a: number, b: number, c: number): number;
  block_squares(m: number, k: number, n: number, h: number, w: number, a: number, b: number, s: number): number;
}

/** WebAssembly's memory never shrinks: an instance that grew beyond this is not used again. */
const KEPT_BYTES = 64 * 2 ** 20;

let loading: Promise<LinearAlgebra> | undefined;

/** Compiles the module at the first call. */
export function linearAlgebra(): Promise<LinearAlgebra> {
  loading ??= load();
  return loading;
}

async function load(): Promise<LinearAlgebra> {
  const bytes = inflate(fromBase64(EIGEN_WASM.deflated, EIGEN_WASM.size), EIGEN_WASM.size);
  const module = await WebAssembly.compile(bytes);
  let kept: Exports | undefined;
  return operations((name, work) => {
    const instance = kept ?? start(module);
    kept = undefined;
    const calls = callsOf(instance, name);
    const result = trapsNamed(name, () => work(calls));
    calls.end();
    kept = instance.memory.buffer.byteLength > KEPT_BYTES ? undefined : instance;
    return result;
  });
}

/** An instance is kept only after a call that ended well. */
function trapsNamed<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) {
      throw new Error(`linear algebra: no memory for the ${name}`, { cause: error });
    }
    throw error;
  }
}

function start(module: WebAssembly.Module): Exports {
  const stop = (): never => {
    throw new WebAssembly.RuntimeError('stopped');
  };
  const imports = {
    wasi_snapshot_preview1: { proc_exit: stop },
    env: { emscripten_notify_memory_growth: () => undefined }
  };
  const exports = new WebAssembly.Instance(module, imports).exports as unknown as Exports;
  exports._initialize();
  return exports;
}

/** Arrays of one call: put into the module's memory, taken out, and given back at its end. */
interface Calls {
  readonly exports: Exports;
  put(data: Float64Array): number;
  /** In single precision, divided by `scale`. */
  putSingle(data: Float64Array, scale: number): number;
  room(length: number): number;
  take(pointer: number, length: number): Float64Array;
  check(state: number): void;
  /** Gives back what `work` put or took room for. */
  within<T>(work: () => T): T;
  end(): void;
}

function callsOf(exports: Exports, name: string): Calls {
  const pointers: number[] = [];
  const free = (from: number): void => pointers.splice(from).forEach(pointer => exports.free(pointer));
  const room = (length: number): number => {
    const pointer = exports.malloc(length * 8);
    if (pointer === 0) {
      throw new Error(`linear algebra: no memory for the ${name} (${length} numbers)`);
    }
    pointers.push(pointer);
    return pointer;
  };
  return {
    exports,
    room,
    put: data => {
      const pointer = room(data.length);
      new Float64Array(exports.memory.buffer, pointer, data.length).set(data);
      return pointer;
    },
    putSingle: (data, scale) => {
      const pointer = room(Math.ceil(data.length / 2));
      const into = new Float32Array(exports.memory.buffer, pointer, data.length);
      for (let at = 0; at < data.length; at++) {
        into[at] = data[at] / scale;
      }
      return pointer;
    },
    take: (pointer, length) => new Float64Array(exports.memory.buffer, pointer, length).slice(),
    check: state => {
      if (state !== 0) {
        throw new Error(`linear algebra: the ${name} did not converge`);
      }
    },
    within: work => {
      const before = pointers.length;
      const result = work();
      free(before);
      return result;
    },
    end: () => free(0)
  };
}

type Call = <T>(name: string, work: (calls: Calls) => T) => T;

function operations(call: Call): LinearAlgebra {
  const run = <T>(name: string, inputs: readonly Matrix[], work: (calls: Calls) => T): T => {
    inputs.forEach(input => refuse(input, name));
    return call(name, work);
  };
  return {
    singularValues: a =>
      run('singular values', [a], ({ exports, put, room, take, check }) => {
        const k = Math.min(a.rows, a.columns);
        const s = room(k);
        check(exports.singular_values(a.rows, a.columns, put(a.data), s));
        return take(s, k);
      }),
    svd: a =>
      run('singular value decomposition', [a], ({ exports, put, room, take, check }) => {
        const { rows, columns } = a;
        const k = Math.min(rows, columns);
        const [u, s, v] = [room(rows * k), room(k), room(columns * k)];
        check(exports.svd(rows, columns, put(a.data), u, s, v));
        return {
          u: { rows, columns: k, data: take(u, rows * k) },
          s: take(s, k),
          v: { rows: columns, columns: k, data: take(v, columns * k) }
        };
      }),
    symmetricEigenvalues: a =>
      run('eigenvalues', [square(a)], ({ exports, put, room, take, check }) => {
        const w = room(a.rows);
        check(exports.symmetric_eigenvalues(a.rows, put(a.data), w));
        return take(w, a.rows);
      }),
    symmetricEigen: a =>
      run('eigenvectors', [square(a)], ({ exports, put, room, take, check }) => {
        const n = a.rows;
        const [w, v] = [room(n), room(n * n)];
        check(exports.symmetric_eigen(n, put(a.data), w, v));
        return { values: take(w, n), vectors: { rows: n, columns: n, data: take(v, n * n) } };
      }),
    eigenvalues: a =>
      run('eigenvalues', [square(a)], ({ exports, put, room, take, check }) => {
        const [re, im] = [room(a.rows), room(a.rows)];
        check(exports.eigenvalues(a.rows, put(a.data), re, im));
        return { re: take(re, a.rows), im: take(im, a.rows) };
      }),
    qr: a =>
      run('QR decomposition', [a], ({ exports, put, room, take, check }) => {
        const { rows, columns } = a;
        const k = Math.min(rows, columns);
        const [q, r] = [room(rows * k), room(k * columns)];
        check(exports.qr(rows, columns, put(a.data), q, r));
        return {
          q: { rows, columns: k, data: take(q, rows * k) },
          r: { rows: k, columns, data: take(r, k * columns) }
        };
      }),
    solvePositive: (a, b) =>
      run('Cholesky decomposition', [square(a)], ({ exports, put, take, check }) => {
        if (b.length !== a.rows) {
          throw new Error(`linear algebra: ${b.length} right-hand sides for ${a.rows} equations`);
        }
        const x = put(b);
        check(exports.solve_positive(a.rows, put(a.data), x));
        return take(x, a.rows);
      }),
    multiply: (a, b) => run('product', [a, b], calls => product(calls, a, b, calls.put(b.data))),
    multiplying: (b, work) =>
      run('product', b, calls => {
        const held = b.map(({ data }) => calls.put(data));
        return work(
          b.map((right, at) => left => {
            refuse(left, 'product');
            return calls.within(() => product(calls, left, right, held[at]));
          })
        );
      }),
    blockNorms: (a, b, { rows, columns }) =>
      run('product', [a, b], ({ exports, putSingle, room, take, check }) => {
        if (a.columns !== b.rows || a.rows % rows !== 0 || b.columns % columns !== 0) {
          throw new Error(
            `linear algebra: blocks [${rows}, ${columns}] of [${a.rows}, ${a.columns}] times [${b.rows}, ${b.columns}]`
          );
        }
        const [left, right] = [largest(a), largest(b)];
        const count = (a.rows / rows) * (b.columns / columns);
        const squares = room(count);
        const [x, y] = [putSingle(a.data, left), putSingle(b.data, right)];
        check(exports.block_squares(a.rows, a.columns, b.columns, rows, columns, x, y, squares));
        return take(squares, count).map(square => left * right * Math.sqrt(square));
      })
  };
}

/** `right` is where b lies. */
function product({ exports, put, room, take, check }: Calls, a: Matrix, b: Matrix, right: number): Matrix {
  if (a.columns !== b.rows) {
    throw new Error(`linear algebra: [${a.rows}, ${a.columns}] times [${b.rows}, ${b.columns}]`);
  }
  const c = room(a.rows * b.columns);
  check(exports.multiply(a.rows, a.columns, b.columns, put(a.data), right, c));
  return { rows: a.rows, columns: b.columns, data: take(c, a.rows * b.columns) };
}

/** Eigen's iterations may not end on numbers that are not finite. */
function refuse({ rows, columns, data }: Matrix, name: string): void {
  if (data.length === 0) {
    throw new Error(`linear algebra: the ${name} of an empty matrix [${rows}, ${columns}]`);
  }
  // A loop of its own: findIndex takes as long as the product of thin matrices.
  let strange = 0;
  while (strange < data.length && data[strange] - data[strange] === 0) {
    strange++;
  }
  if (strange < data.length) {
    const [row, column] = [Math.floor(strange / columns), strange % columns];
    throw new Error(`linear algebra: the ${name} of a matrix with ${data[strange]} at [${row}, ${column}]`);
  }
}

/** By absolute value; 1 of zeros. */
function largest({ data }: Matrix): number {
  let most = 0;
  for (let at = 0; at < data.length; at++) {
    most = Math.max(most, Math.abs(data[at]));
  }
  return most || 1;
}

function square(a: Matrix): Matrix {
  if (a.rows !== a.columns) {
    throw new Error(`linear algebra: [${a.rows}, ${a.columns}] is not square`);
  }
  return a;
}
