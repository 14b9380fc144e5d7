import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** The YAML package, loaded when it is first needed: 75 files that no start has to wait for. */
export function yaml(): typeof import('yaml') {
  return require('yaml');
}
