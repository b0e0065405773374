/** Merged into the builder's configuration of the federated extension. */
module.exports = {
  module: {
    rules: [
      // The worker is bundled beforehand and stays one file; onnxruntime-web's two files are loaded by it at run time.
      { test: /\.worker\.js$/, type: 'asset/resource', generator: { filename: '[name].[contenthash][ext]' } },
      {
        test: /ort-wasm-simd-threaded\.(wasm|mjs)$/,
        type: 'asset/resource',
        generator: { filename: '[name].[contenthash][ext]' }
      }
    ]
  },
  // The worker's text holds what looks like hashes; hashing real content again would run in a circle.
  optimization: { realContentHash: false },
  resolve: {
    // Maps are not among our figures: 80 kB of CSS that would become global.
    alias: { 'maplibre-gl/dist/maplibre-gl.css': false },
    fallback: { stream: false, buffer: false, assert: false }
  }
};
