import { flushCompileCache } from 'node:module';

/** Loaded by Node when it has to take the types out of a file that was not found compiled. */
const TYPE_STRIPPER = 'NativeModule internal/deps/amaro/dist/index';

/**
 * Node holds on to all that it read of compiled files, some 8 MB, until it writes what is new among them (crowsnest.js says when). Where all of them were found
 * nothing is new, so it may be let go of as soon as the program is loaded: before the first objects are listed, which then take its place.
 */
export function forgetCompiledFiles(): void {
  if (!hadToCompile()) flushCompileCache();
}

/** Whether a file was loaded that was not found compiled, as after an upgrade. */
function hadToCompile(): boolean {
  return (process as typeof process & { moduleLoadList: readonly string[] }).moduleLoadList.includes(TYPE_STRIPPER);
}
