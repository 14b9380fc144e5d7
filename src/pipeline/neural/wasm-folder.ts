import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Where the WebAssembly files of TensorFlow.js are, with a slash at its end. */
export function wasmFolder(): string {
  return join(dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist/');
}
