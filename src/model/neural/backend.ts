/** Which machinery TensorFlow.js computes with: the native library where it loads, else WebAssembly. */

import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { ready, setBackend } from '@tensorflow/tfjs-core';

export type Backend = 'native' | 'wasm';

/** An optional dependency: where npm could not install it, importing fails, and that is no error. Not a literal, since it may not resolve. */
const NATIVE: string = '@tensorflow/tfjs-node';

export interface BackendChoice {
  /** Native is tried first unless wasm is asked for. */
  wanted: 'auto' | Backend;
  /** Folder of the WebAssembly files, with a slash at its end. */
  wasmFolder: string;
}

/** Returns what is in use, and why native is not where it was tried. */
export async function chooseBackend({ wanted, wasmFolder }: BackendChoice): Promise<{ backend: Backend; why?: string }> {
  let why: string | undefined;
  if (wanted !== 'wasm') {
    try {
      await import(NATIVE);
      if (await setBackend('tensorflow')) {
        await ready();
        return { backend: 'native' };
      }
      why = 'the native backend did not start';
    } catch (error) {
      why = (error as Error).message.split('\n')[0] ?? 'it did not load';
    }
    if (wanted === 'native') throw new Error(`TensorFlow's native backend is not to be had: ${why}`);
  }
  setWasmPaths(wasmFolder);
  if (!(await setBackend('wasm'))) throw new Error('the WebAssembly backend of TensorFlow.js did not start');
  await ready();
  return why === undefined ? { backend: 'wasm' } : { backend: 'wasm', why };
}
