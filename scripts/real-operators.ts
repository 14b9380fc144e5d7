/**
 * Real operators for tests and recordings, built from Go modules: our go.mod under test/operators names one as a tool, and Go's own client
 * fetches it. Nothing of theirs is copied here; their CRDs and roles are read from Go's module cache where they are used.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildOnce, builtPath, type GoProgram, runGo } from './go-build.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export const OPERATOR_NAMES = ['rabbitmq-cluster-operator', 'prometheus-operator'] as const;
/** Built for the tests; recording an hour builds the others as well. */
export const TESTED_OPERATORS = ['rabbitmq-cluster-operator'] as const;
export type OperatorName = (typeof OPERATOR_NAMES)[number];

interface OperatorSource {
  module: string;
  package: string;
  /** Folder of its CRDs, within the module. */
  crds: string;
  /** The ClusterRole it asks for, within the module. */
  role: string;
  /** How long the first build takes. */
  takes: string;
}

const SOURCES: Record<OperatorName, OperatorSource> = {
  'rabbitmq-cluster-operator': {
    module: 'github.com/rabbitmq/cluster-operator/v2',
    package: 'github.com/rabbitmq/cluster-operator/v2',
    crds: 'config/crd/bases',
    role: 'config/rbac/role.yaml',
    takes: '1.5 to 4 minutes from an empty Go cache',
  },
  'prometheus-operator': {
    module: 'github.com/prometheus-operator/prometheus-operator',
    package: 'github.com/prometheus-operator/prometheus-operator/cmd/operator',
    crds: 'example/prometheus-operator-crd',
    role: 'example/rbac/prometheus-operator/prometheus-operator-cluster-role.yaml',
    takes: '2 to 5 minutes from an empty Go cache',
  },
};

/** Path of the operator's binary, there or not. */
export function operatorPath(name: OperatorName): string {
  return builtPath(programOf(name));
}

/** The operator's binary, built first where it is not there yet. */
export function ensureOperator(name: OperatorName, report: (line: string) => void): Promise<string> {
  return buildOnce(programOf(name), report);
}

/** Files of an operator's module: its CRDs and the role it asks for. Fetches the module where only the binary is there. */
export async function operatorFiles(name: OperatorName): Promise<{ version: string; crds: string[]; role: string }> {
  const source = SOURCES[name];
  const answer = await runGo(['mod', 'download', '-json', source.module], moduleFolder(name));
  const { Dir: folder, Version: version } = JSON.parse(answer) as { Dir: string; Version: string };
  const crds = join(folder, source.crds);
  const files = readdirSync(crds).filter((file) => file.endsWith('.yaml'));
  return { version, crds: files.sort().map((file) => join(crds, file)), role: join(folder, source.role) };
}

function programOf(name: OperatorName): GoProgram {
  const source = SOURCES[name];
  return {
    what: `${name} (${source.takes})`,
    module: moduleFolder(name),
    sources: ['go.mod', 'go.sum'],
    args: ['build', '-trimpath', '-ldflags', '-s -w'],
    package: source.package,
    cache: join(ROOT, '.cache', 'operators', name),
    name,
  };
}

function moduleFolder(name: OperatorName): string {
  return join(ROOT, 'test', 'operators', name);
}
