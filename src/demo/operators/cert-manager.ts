/** cert-manager: short-lived certificates, each renewed on its own day and hour of the week. */
import type { JsonObject } from '../../domain/json.ts';
import { type Draft, idOf } from '../api-server.ts';
import { DAY, HOUR, START_MS, timestamp, WEEK } from '../calendar.ts';
import type { World } from '../world.ts';
import { applied, GIT_NAMESPACES, KUSTOMIZE_CONTROLLER, populateFromGit } from './flux.ts';
import { condition, setCondition, settling, statusOf } from './settle.ts';

const NAMES: Record<string, string[]> = {
  platform: ['ingress-wildcard', 'registry-tls', 'dns-webhook-tls', 'vault-tls'],
  monitoring: ['grafana-tls', 'prometheus-tls', 'alertmanager-tls'],
  payments: ['ledger-tls', 'checkout-tls', 'fraud-check-tls', 'ledger-client'],
  orders: ['order-api-tls', 'shipping-tls', 'order-api-client'],
  streaming: ['kafka-bootstrap-tls', 'schema-registry-tls', 'mirror-client'],
  web: ['storefront-tls', 'search-tls', 'account-tls', 'media-tls'],
  'ai-gateway': ['gateway-tls', 'gateway-client', 'usage-api-tls'],
};

export function populateCertificates(world: World): void {
  const random = world.random.fork('cert-manager');
  for (const [namespace, names] of Object.entries(NAMES)) {
    const issuers = [issuer('internal-ca', namespace, { ca: { secretName: `${namespace}-ca` } })];
    if (namespace === 'platform' || namespace === 'web') issuers.push(issuer('public-acme', namespace, acme(namespace)));
    const drafts = [...issuers, ...names.map((name) => certificate(name, namespace))];
    const git = (GIT_NAMESPACES as readonly string[]).includes(namespace);
    for (const draft of drafts) {
      const ageDays = random.int(60, 500);
      if (git) populateFromGit(world, namespace, draft, ageDays);
      else world.populate(KUSTOMIZE_CONTROLLER, applied(draft, `${namespace}-base`), ageDays);
    }
  }
  const settled = { ready: 'Ready', progressing: false, seconds: [1, 6] as [number, number] };
  world.reactions.set(
    'Certificate',
    settling({ ...settled, reason: 'Ready', message: 'Certificate is up to date' }, random.fork('certificates')),
  );
  world.reactions.set(
    'Issuer',
    settling({ ...settled, reason: 'KeyPairVerified', message: 'Signing CA verified' }, random.fork('issuers')),
  );
}

export function liveCertificates(world: World): void {
  const random = world.random.fork('cert-manager/life');
  for (const object of world.list('Certificate')) {
    const id = idOf(object);
    // One small batch renews together, since those were issued together when the cluster was built.
    const offset =
      object.metadata.namespace === 'web'
        ? 3 * DAY + 5 * HOUR + random.int(0, 300) * 1000
        : random.int(0, WEEK / 60_000 - 1) * 60_000;
    for (let week = 0; week < 4; week++)
      world.at(START_MS + week * WEEK + offset + random.int(0, 240) * 1000, () => renew(world, id));
  }
}

/** A renewal: issuing begins, the key pair comes, the certificate is ready again. */
export function renew(world: World, id: string): void {
  const issuing = () => condition('Issuing', 'True', 'Renewing', 'Renewing certificate as renewal was scheduled', world.nowMs);
  world.status(id, (object) => setCondition(object, issuing()), 'cert-manager-certificates-trigger');
  world.after(4, () =>
    world.status(
      id,
      (object) => {
        const status = statusOf(object);
        status.conditions = (status.conditions as JsonObject[]).filter(({ type }) => type !== 'Issuing');
        status.revision = Number(status.revision ?? 1) + 1;
      },
      'cert-manager-certificates-issuing',
    ),
  );
  world.after(6, () =>
    world.status(id, (object) => {
      const status = statusOf(object);
      status.notBefore = timestamp(world.nowMs);
      status.renewalTime = timestamp(world.nowMs + WEEK);
      status.notAfter = timestamp(world.nowMs + WEEK + DAY);
      setCondition(object, condition('Ready', 'True', 'Ready', 'Certificate is up to date and has not expired', world.nowMs));
    }),
  );
}

function acme(namespace: string): JsonObject {
  return {
    acme: {
      email: `${namespace}@example.org`,
      privateKeySecretRef: { name: 'acme-account' },
      server: 'https://acme.example.org/directory',
      skipTLSVerify: false,
      solvers: [{ http01: { ingress: { ingressClassName: 'nginx' } } }],
    },
  };
}

function issuer(name: string, namespace: string, spec: JsonObject): Draft {
  return {
    apiVersion: 'cert-manager.io/v1',
    kind: 'Issuer',
    metadata: { name, namespace },
    spec,
    status: { conditions: [condition('Ready', 'True', 'KeyPairVerified', 'Signing CA verified', START_MS - 90 * DAY)] },
  };
}

function certificate(name: string, namespace: string): Draft {
  const publicName = namespace === 'web' || name.startsWith('ingress');
  return {
    apiVersion: 'cert-manager.io/v1',
    kind: 'Certificate',
    metadata: { name, namespace, labels: { team: namespace } },
    spec: {
      dnsNames: [`${name.replace(/-tls$/, '')}.harbour.example.org`],
      duration: '192h0m0s',
      issuerRef: { group: 'cert-manager.io', kind: 'Issuer', name: publicName ? 'public-acme' : 'internal-ca' },
      privateKey: { algorithm: 'ECDSA', rotationPolicy: 'Always', size: 256 },
      renewBefore: '24h0m0s',
      secretName: name,
      usages: name.endsWith('client') ? ['client auth'] : ['server auth'],
    },
    status: {
      conditions: [condition('Ready', 'True', 'Ready', 'Certificate is up to date and has not expired', START_MS - 30 * DAY)],
      notAfter: timestamp(START_MS + 8 * DAY),
      revision: 4,
    },
  };
}
