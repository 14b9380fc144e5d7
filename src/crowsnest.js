#!/usr/bin/env node
// @ts-check
/**
 * How the program begins: what has to be said to a process before it does, and where compiled files lie; all else is main.ts. The one file in
 * JavaScript: compiled files are found from here on, and taking the types out of a first file would cost each start as much as Node itself, twice.
 */
import { enableCompileCache, flushCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// What is compiled is kept beside the program, where that can be written: the next start takes half the time. Not in a folder that others write to.
const COMPILED = fileURLToPath(new URL('../.cache/compiled', import.meta.url));
/** It is written when a process ends, which one that is killed does not live to see. Where nothing is new, see commands/compiled-files.ts. */
const WRITTEN_AFTER_MS = 20_000;

// A file is found compiled only under the flags that it was compiled under.
if (process.argv[2] === 'serve' || process.argv[2] === 'compile') beginAgainLean();
enableCompileCache(COMPILED);
setTimeout(flushCompileCache, WRITTEN_AFTER_MS).unref();
await import('./main.ts');

/**
 * What can only be said to a process before it begins. By itself glibc raises the size from which it gives memory back at once to that of
 * the largest buffer it has met, and then holds on to all that is smaller: 70 to 130 MB here. V8 keeps three half-spaces of 16 MB for what is
 * new, and allocates what mostly survived so far, as the first lists do, among what is old from then on: each batch then stays until all of the
 * heap is walked, with everything it refers to. How far the heap grows (main.ts) is said here too, as a file is found compiled only under the flags
 * that it was compiled under, by threads as well. Of its compilers the middle one is left out and the last one has one thread: a flood has several
 * of them at work at once, of 5 to 10 MB each. The process is replaced by one that was told, under the same pid; where the settings came with
 * the environment it stays. Costs CPU for mapping pages: ADR 13.
 */
function beginAgainLean() {
  if (process.env.MALLOC_MMAP_THRESHOLD_ !== undefined || process.execve === undefined) return;
  const flags = [
    '--max-semi-space-size=8',
    '--no-allocation-site-pretenuring',
    '--heap-growing-percent=40',
    '--no-maglev',
    '--concurrent-turbofan-max-threads=1',
    ...process.execArgv,
  ];
  const environment = {
    MALLOC_MMAP_THRESHOLD_: '131072',
    MALLOC_TRIM_THRESHOLD_: '1048576',
    MALLOC_ARENA_MAX: '1',
    NODE_COMPILE_CACHE: COMPILED,
    ...process.env,
  };
  process.execve(process.execPath, [process.execPath, ...flags, ...process.argv.slice(1)], environment);
}
