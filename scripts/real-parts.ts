/**
 * Finds and builds the real programs that `*.real.ts` tests run against. `node scripts/real-parts.ts` builds what is missing and prints where
 * each part is; tests call the functions. Nothing is downloaded but Go modules, through Go's own client.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MODULE = join(ROOT, 'test', 'apiserver');
const CACHE = join(ROOT, '.cache', 'kubeparts');
const LOCK_POLL_MS = 500;

const KUBERNETES_VERSION = /^\tk8s\.io\/kubernetes (v\S+)$/m.exec(readFileSync(join(MODULE, 'go.mod'), 'utf8'))?.[1] ?? 'v0.0.0';

/** Without a version of the usual form kubectl and other clients cannot parse what the server says of itself. */
const VERSION_PACKAGE = 'k8s.io/component-base/version';
const [MAJOR, MINOR] = KUBERNETES_VERSION.slice(1).split('.');
const BUILD_ARGS = [
  'build',
  '-trimpath',
  '-ldflags',
  `-s -w -X ${VERSION_PACKAGE}.gitVersion=${KUBERNETES_VERSION} -X ${VERSION_PACKAGE}.gitMajor=${MAJOR} -X ${VERSION_PACKAGE}.gitMinor=${MINOR}`,
];

export const REAL_PARTS = ['kube-apiserver', 'kube-controller-manager', 'kubectl', 'alertmanager', 'chromium'] as const;
export type RealPart = (typeof REAL_PARTS)[number];

/** The kube-apiserver to start: our own build with etcd inside, or the user's binaries side by side. */
export type ApiServerBinary = { form: 'kubeparts'; path: string } | { form: 'separate'; apiserver: string; etcd: string };

/** The apiserver that is there without building anything. A path in the environment that does not hold is an error, not a reason to look on. */
export function findApiServer(): ApiServerBinary | undefined {
  const assets = process.env.KUBEBUILDER_ASSETS;
  const apiserver = process.env.TEST_ASSET_KUBE_APISERVER ?? (assets === undefined ? undefined : join(assets, 'kube-apiserver'));
  if (apiserver !== undefined) {
    const etcd = process.env.TEST_ASSET_ETCD ?? join(dirname(apiserver), 'etcd');
    for (const file of [apiserver, etcd]) {
      if (!isExecutable(file))
        throw new Error(`${file} is no program; see TEST_ASSET_KUBE_APISERVER, TEST_ASSET_ETCD and KUBEBUILDER_ASSETS`);
    }
    return { form: 'separate', apiserver, etcd };
  }
  const built = builtPath();
  return existsSync(built) ? { form: 'kubeparts', path: built } : undefined;
}

/** Where a part is, or undefined. For parts built here it is the build's future place as soon as there is a Go to build it with. */
export function findPart(part: RealPart): string | undefined {
  switch (part) {
    case 'kube-apiserver': {
      const found = findApiServer();
      if (found === undefined) return findOnPath(['go']) === undefined ? undefined : builtPath();
      return found.form === 'kubeparts' ? found.path : found.apiserver;
    }
    case 'kube-controller-manager':
      return findApiServer()?.form === 'separate' ? undefined : findPart('kube-apiserver');
    case 'kubectl':
      return process.env.TEST_ASSET_KUBECTL ?? findOnPath(['kubectl'], process.env.KUBEBUILDER_ASSETS);
    case 'alertmanager':
      return process.env.TEST_ASSET_ALERTMANAGER ?? findOnPath(['prometheus-alertmanager', 'alertmanager']);
    case 'chromium':
      return process.env.TEST_ASSET_CHROMIUM ?? findOnPath(['chromium', 'chromium-browser', 'google-chrome']);
  }
}

/**
 * The apiserver, built first where it is not there yet: 4 to 6 minutes from an empty Go cache on two cores, half a minute after that. Test files
 * that run side by side wait for one build. Rejects with the compiler's words.
 */
export async function ensureApiServer(report: (line: string) => void): Promise<ApiServerBinary> {
  const lock = join(CACHE, 'build.lock');
  for (let waiting = false; ; ) {
    const found = findApiServer();
    if (found !== undefined) return found;
    if (takeLock(lock)) break;
    if (!waiting) report('another process is building the kube-apiserver, waiting for it');
    waiting = true;
    await delay(LOCK_POLL_MS);
  }
  try {
    if (findApiServer() === undefined) await build(report);
  } finally {
    rmSync(lock, { force: true });
  }
  return { form: 'kubeparts', path: builtPath() };
}

function builtPath(): string {
  return join(CACHE, moduleHash(), 'kubeparts');
}

/** Another build for another source, so that a binary never outlives what it was made from. */
function moduleHash(): string {
  const hash = createHash('sha256').update(JSON.stringify(BUILD_ARGS));
  for (const file of ['main.go', 'go.mod', 'go.sum']) hash.update(`\0${file}\0`).update(readFileSync(join(MODULE, file)));
  return hash.digest('hex').slice(0, 16);
}

async function build(report: (line: string) => void): Promise<void> {
  const target = builtPath();
  const unfinished = `${target}.unfinished-${process.pid}`;
  const startedMs = Date.now();
  const seconds = () => Math.round((Date.now() - startedMs) / 1000);
  report(`building kube-apiserver ${KUBERNETES_VERSION} with etcd (4 to 6 minutes from an empty Go cache)`);
  mkdirSync(dirname(target), { recursive: true });
  const progress = setInterval(() => report(`still building, ${seconds()} s`), 30_000);
  try {
    await runGo([...BUILD_ARGS, '-o', unfinished, '.']);
  } finally {
    clearInterval(progress);
  }
  renameSync(unfinished, target);
  for (const entry of readdirSync(CACHE)) {
    if (entry !== moduleHash() && !entry.endsWith('.lock')) rmSync(join(CACHE, entry), { recursive: true, force: true });
  }
  report(`built in ${seconds()} s`);
}

function runGo(args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', args, {
      cwd: MODULE,
      stdio: ['ignore', 'ignore', 'pipe'],
      // Pure Go, so that no C compiler is needed and the same inputs hit the same cache.
      env: { ...process.env, CGO_ENABLED: '0' },
    });
    let words = '';
    child.stderr.on('data', (chunk: Buffer) => {
      words = (words + chunk.toString()).slice(-4000);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`go ${args[0]} in test/apiserver ended with code ${code}:\n${words.trim()}`));
    });
  });
}

/** The lock holds its owner's process id: what a killed build left behind is taken over. */
function takeLock(lock: string): boolean {
  mkdirSync(dirname(lock), { recursive: true });
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    if (!isAlive(ownerOf(lock))) rmSync(lock, { force: true });
    return false;
  }
}

function ownerOf(lock: string): number {
  try {
    return Number(readFileSync(lock, 'utf8')) || process.pid;
  } catch {
    return process.pid;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function findOnPath(names: string[], first?: string): string | undefined {
  const folders = [first, ...(process.env.PATH ?? '').split(delimiter)].filter((folder) => folder !== undefined && folder !== '');
  return names.flatMap((name) => folders.map((folder) => join(folder!, name))).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await ensureApiServer((line) => process.stderr.write(`real parts: ${line}\n`));
  for (const part of REAL_PARTS) process.stdout.write(`${part}: ${findPart(part) ?? 'missing'}\n`);
}
