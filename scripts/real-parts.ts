/**
 * Finds and builds the real programs that `*.real.ts` tests run against. `node scripts/real-parts.ts` builds what is missing and prints where
 * each part is; tests call the functions. Nothing is downloaded but Go modules, through Go's own client.
 */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildOnce, builtPath, type GoProgram } from './go-build.ts';
import { ensureOperator, OPERATOR_NAMES, operatorPath, TESTED_OPERATORS } from './real-operators.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MODULE = join(ROOT, 'test', 'apiserver');

const KUBERNETES_VERSION = /^\tk8s\.io\/kubernetes (v\S+)$/m.exec(readFileSync(join(MODULE, 'go.mod'), 'utf8'))?.[1] ?? 'v0.0.0';

/** Without a version of the usual form kubectl and other clients cannot parse what the server says of itself. */
const VERSION_PACKAGE = 'k8s.io/component-base/version';
const [MAJOR, MINOR] = KUBERNETES_VERSION.slice(1).split('.');
const KUBEPARTS: GoProgram = {
  what: `kube-apiserver ${KUBERNETES_VERSION} with etcd (4 to 6 minutes from an empty Go cache)`,
  module: MODULE,
  sources: ['main.go', 'go.mod', 'go.sum'],
  args: [
    'build',
    '-trimpath',
    '-ldflags',
    `-s -w -X ${VERSION_PACKAGE}.gitVersion=${KUBERNETES_VERSION} -X ${VERSION_PACKAGE}.gitMajor=${MAJOR} -X ${VERSION_PACKAGE}.gitMinor=${MINOR}`,
  ],
  package: '.',
  cache: join(ROOT, '.cache', 'kubeparts'),
  name: 'kubeparts',
};

export const REAL_PARTS = [
  'kube-apiserver',
  'kube-controller-manager',
  'kubectl',
  'alertmanager',
  'prometheus',
  'chromium',
  'nats-server',
  'curl',
  'openssl',
  ...OPERATOR_NAMES,
] as const;
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
  const built = builtPath(KUBEPARTS);
  return existsSync(built) ? { form: 'kubeparts', path: built } : undefined;
}

/** Where a part is, or undefined. For parts built here it is the build's future place as soon as there is a Go to build it with. */
export function findPart(part: RealPart): string | undefined {
  switch (part) {
    case 'kube-apiserver': {
      const found = findApiServer();
      if (found === undefined) return findOnPath(['go']) === undefined ? undefined : builtPath(KUBEPARTS);
      return found.form === 'kubeparts' ? found.path : found.apiserver;
    }
    case 'kube-controller-manager':
      return findApiServer()?.form === 'separate' ? undefined : findPart('kube-apiserver');
    case 'kubectl':
      return process.env.TEST_ASSET_KUBECTL ?? findOnPath(['kubectl'], process.env.KUBEBUILDER_ASSETS);
    case 'alertmanager':
      return process.env.TEST_ASSET_ALERTMANAGER ?? findOnPath(['prometheus-alertmanager', 'alertmanager']);
    case 'prometheus':
      return process.env.TEST_ASSET_PROMETHEUS ?? findOnPath(['prometheus']);
    case 'curl':
    case 'openssl':
      return findOnPath([part]);
    case 'nats-server':
      return process.env.TEST_ASSET_NATS_SERVER ?? findOnPath(['nats-server']);
    case 'chromium':
      return process.env.TEST_ASSET_CHROMIUM ?? findOnPath(['chromium', 'chromium-browser', 'google-chrome']);
    case 'rabbitmq-cluster-operator':
    case 'prometheus-operator':
      // Go also brings their CRDs.
      return findOnPath(['go']) === undefined ? undefined : operatorPath(part);
  }
}

/**
 * The apiserver, built first where it is not there yet: 4 to 6 minutes from an empty Go cache on two cores, half a minute after that. Test files
 * that run side by side wait for one build. Rejects with the compiler's words.
 */
export async function ensureApiServer(report: (line: string) => void): Promise<ApiServerBinary> {
  return findApiServer() ?? { form: 'kubeparts', path: await buildOnce(KUBEPARTS, report) };
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
  const report = (line: string) => void process.stderr.write(`real parts: ${line}\n`);
  await ensureApiServer(report);
  for (const operator of TESTED_OPERATORS) await ensureOperator(operator, report);
  for (const part of REAL_PARTS) process.stdout.write(`${part}: ${findPart(part) ?? 'missing'}\n`);
}
