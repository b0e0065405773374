// Products of rows with a weight in single precision, summed in double precision, two lanes at a time.
#include <wasm_simd128.h>

#define EXPORT(name) __attribute__((export_name(#name)))
#define LOW(floats) wasm_f64x2_promote_low_f32x4(floats)
#define HIGH(floats) LOW(wasm_i32x4_shuffle(floats, floats, 2, 3, 2, 3))
#define LOAD(pointer) wasm_v128_load(pointer)
#define ADD wasm_f64x2_add
#define TIMES wasm_f64x2_mul

/** out[c] += Σ x[i] · w[i][c], w [count, width]: rows of w are added up, four at a time. */
EXPORT(add_rows) void add_rows(int count, int width, const double* x, const float* w, double* out) {
  int i = 0;
  for (; i + 4 <= count; i += 4, w += 4 * width) {
    const v128_t a = wasm_v128_load64_splat(x + i), b = wasm_v128_load64_splat(x + i + 1);
    const v128_t d = wasm_v128_load64_splat(x + i + 2), e = wasm_v128_load64_splat(x + i + 3);
    int c = 0;
    for (; c + 4 <= width; c += 4) {
      const v128_t p = LOAD(w + c), q = LOAD(w + width + c), r = LOAD(w + 2 * width + c), s = LOAD(w + 3 * width + c);
      const v128_t low = ADD(ADD(TIMES(a, LOW(p)), TIMES(b, LOW(q))), ADD(TIMES(d, LOW(r)), TIMES(e, LOW(s))));
      const v128_t high = ADD(ADD(TIMES(a, HIGH(p)), TIMES(b, HIGH(q))), ADD(TIMES(d, HIGH(r)), TIMES(e, HIGH(s))));
      wasm_v128_store(out + c, ADD(LOAD(out + c), low));
      wasm_v128_store(out + c + 2, ADD(LOAD(out + c + 2), high));
    }
    for (; c < width; c++) {
      out[c] += x[i] * w[c] + x[i + 1] * w[width + c] + (x[i + 2] * w[2 * width + c] + x[i + 3] * w[3 * width + c]);
    }
  }
  for (; i < count; i++, w += width) {
    for (int c = 0; c < width; c++) {
      out[c] += x[i] * w[c];
    }
  }
}

/** out[c] = Σ x[i] · w[c][i], w [count, width]: a dot product for each row of w, in eight sums, none of which waits for another. */
EXPORT(dot_rows) void dot_rows(int count, int width, const double* x, const float* w, double* out) {
  for (int c = 0; c < count; c++, w += width) {
    v128_t a = wasm_f64x2_const_splat(0), b = a, d = a, e = a;
    int i = 0;
    for (; i + 8 <= width; i += 8) {
      const v128_t p = LOAD(w + i), q = LOAD(w + i + 4);
      a = ADD(a, TIMES(LOAD(x + i), LOW(p)));
      b = ADD(b, TIMES(LOAD(x + i + 2), HIGH(p)));
      d = ADD(d, TIMES(LOAD(x + i + 4), LOW(q)));
      e = ADD(e, TIMES(LOAD(x + i + 6), HIGH(q)));
    }
    const v128_t sum = ADD(ADD(a, b), ADD(d, e));
    out[c] = wasm_f64x2_extract_lane(sum, 0) + wasm_f64x2_extract_lane(sum, 1);
    for (; i < width; i++) {
      out[c] += x[i] * w[i];
    }
  }
}
