/**
 * Real-parts tests run where their parts are and say what is missing where they are not. In CI (CI=true, or CROWSNEST_REQUIRE_REAL=1
 * anywhere) a missing part is a failure: nobody reads the skipped lines of a green run.
 */
import type { TestContext } from 'node:test';
import { findPart, type RealPart } from '../../scripts/real-parts.ts';

const HOW_TO_GET: Record<RealPart, string> = {
  'kube-apiserver': 'install Go 1.26 and run `node scripts/real-parts.ts`, or set KUBEBUILDER_ASSETS to envtest’s binaries',
  'kube-controller-manager': 'install Go 1.26, unset KUBEBUILDER_ASSETS and run `node scripts/real-parts.ts`',
  kubectl: 'put kubectl on the PATH or set TEST_ASSET_KUBECTL',
  alertmanager: 'run `apt-get install prometheus-alertmanager` or set TEST_ASSET_ALERTMANAGER',
  prometheus: 'run `apt-get install prometheus` or set TEST_ASSET_PROMETHEUS',
  curl: 'run `apt-get install curl`',
  openssl: 'run `apt-get install openssl`',
  'nats-server': 'run `apt-get install nats-server` or set TEST_ASSET_NATS_SERVER',
  chromium: 'run `apt-get install chromium` or set TEST_ASSET_CHROMIUM',
  'rabbitmq-cluster-operator': 'install Go 1.26 and run `node scripts/real-parts.ts`',
  'prometheus-operator': 'install Go 1.26 and run `node scripts/real-parts.ts`',
};

/**
 * For a test's or suite's `skip` option: false when all parts are there, else the reason. Throws instead of giving a reason where parts are
 * required, which fails the whole file.
 */
export function skipWithout(...parts: RealPart[]): false | string {
  const missing = parts.filter((part) => findPart(part) === undefined);
  if (missing.length === 0) return false;
  const reason = missing.map((part) => `${part} is missing: ${HOW_TO_GET[part]}`).join('; ');
  if (process.env.CI === 'true' || process.env.CROWSNEST_REQUIRE_REAL === '1') throw new Error(`required here, but ${reason}`);
  return reason;
}

/** The same inside a running test: `if (!requireReal(t, 'kubectl')) return;`. */
export function requireReal(t: TestContext, ...parts: RealPart[]): boolean {
  const reason = skipWithout(...parts);
  if (reason !== false) t.skip(reason);
  return reason === false;
}

/** Path of a part that `skipWithout` or `requireReal` found. */
export function realPart(part: RealPart): string {
  const path = findPart(part);
  if (path === undefined) throw new Error(`${part} is missing: ${HOW_TO_GET[part]}`);
  return path;
}
