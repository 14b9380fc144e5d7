/**
 * A cluster with one kind of its own, a person's rule about it, and everything Crowsnest talks to: shared by the real-parts tests (short forms)
 * and the benches (long forms).
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectKube } from '../../src/kube/http-kube-client.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { type CrowsnestProcess, startCrowsnest } from './crowsnest-process.ts';
import { type RealApiServer, type RealApiServerOptions, startApiServer } from './real-apiserver.ts';
import { until } from './until.ts';

export const GROUP = 'fleet.example.test';
const PATH = `/apis/${GROUP}/v1/namespaces/default/engines`;

const CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `engines.${GROUP}` },
  spec: {
    group: GROUP,
    scope: 'Namespaced',
    names: { plural: 'engines', singular: 'engine', kind: 'Engine' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
              status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
            },
          },
        },
      },
    ],
  },
};

/** What the service account may do here: read the kind, and mark it. Never more. */
const ROLE = [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'crowsnest-first-light' },
    rules: [
      { apiGroups: [GROUP], resources: ['engines'], verbs: ['get', 'list', 'watch', 'patch'] },
      { apiGroups: ['apiextensions.k8s.io'], resources: ['customresourcedefinitions'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'crowsnest-first-light' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'crowsnest-first-light' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'system:serviceaccount:crowsnest:crowsnest' }],
  },
];

const RULES = [
  'rules:',
  '  - name: engine-stopped',
  '    kind: Engine',
  '    path: /spec/replicas',
  '    op: set',
  '    value: ^0$',
  '    message: an engine was scaled to nothing',
  '',
].join('\n');

export interface FirstLight {
  server: RealApiServer;
  /** As admin. */
  client: KubeClient;
  create(name: string, spec: Record<string, unknown>): Promise<string>;
  /** Merge-patches the spec as a field manager; resolves with the new resourceVersion. */
  patch(name: string, spec: Record<string, unknown>, manager: string): Promise<string>;
  remove(name: string): Promise<void>;
  get(name: string): Promise<{ metadata: { annotations?: Record<string, string>; resourceVersion: string; uid: string } }>;
  /** Starts `crowsnest serve` as the service account of deploy/, with the rule "scaled to nothing". */
  serve(args: string[]): Promise<CrowsnestProcess>;
  /** Waits until the kind is watched. */
  watched(crowsnest: CrowsnestProcess): Promise<void>;
  stop(): Promise<void>;
}

export async function startFirstLight(options: RealApiServerOptions = {}): Promise<FirstLight> {
  const server = await startApiServer(options);
  const running: CrowsnestProcess[] = [];
  try {
    await server.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [CRD, ...ROLE] }));
    await server.kubectl(['wait', '--for=condition=Established', `crd/engines.${GROUP}`, '--timeout=30s']);
    const client = await connectKube({ kubeconfig: server.adminKubeconfig, cluster: 'real' });
    const config = join(server.folder, 'crowsnest.yaml');
    writeFileSync(config, RULES);
    const versionOf = (object: unknown) => (object as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
    return {
      server,
      client,
      create: async (name, spec) =>
        versionOf(
          await client.request('POST', PATH, {
            query: { fieldManager: 'set-up' },
            body: JSON.parse(
              JSON.stringify({ apiVersion: `${GROUP}/v1`, kind: 'Engine', metadata: { name, namespace: 'default' }, spec }),
            ),
          }),
        ),
      patch: async (name, spec, manager) =>
        versionOf(
          await client.request('PATCH', `${PATH}/${name}`, {
            query: { fieldManager: manager },
            contentType: 'application/merge-patch+json',
            body: JSON.parse(JSON.stringify({ spec })),
          }),
        ),
      remove: async (name) => void (await client.request('DELETE', `${PATH}/${name}`)),
      get: async (name) => (await client.request('GET', `${PATH}/${name}`)) as unknown as Awaited<ReturnType<FirstLight['get']>>,
      async serve(args) {
        // A database of its own: one left by another cluster of the same name would make this one look like its continuation.
        const db = args.includes('--db') ? [] : ['--db', join(server.folder, `crowsnest-${running.length}.db`)];
        const crowsnest = await startCrowsnest([
          'serve',
          '--kubeconfig',
          server.kubeconfig('crowsnest'),
          '--cluster',
          'real',
          '--config',
          config,
          ...db,
          ...args,
        ]);
        running.push(crowsnest);
        return crowsnest;
      },
      watched: async (crowsnest) => {
        await until('engines are watched', async () => {
          const { items } = await crowsnest.get<{ items: { kind: string; state: string }[] }>('/v1/coverage');
          return items.some((row) => row.kind === 'Engine' && row.state === 'watched');
        });
      },
      async stop() {
        for (const crowsnest of running) await crowsnest.kill9();
        await client.close();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}
