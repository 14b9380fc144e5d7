/** Values that look like secrets and are none, or stand beside words that are used of secrets. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import type { Json } from '../../src/domain/json.ts';
import type { Random } from './random.ts';

const b64 = (value: string | Buffer) => Buffer.from(value).toString('base64');
const sha = (of: string, algorithm = 'sha256') => createHash(algorithm).update(of).digest('hex');
const uuid = (r: Random) => r.text('hex', 32).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-a$4-$5');
const publicKey = (type: 'rsa' | 'ec') =>
  (type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' }))
    .publicKey;

/** Each several times. */
const VALUES: Record<string, (r: Random) => Json> = {
  'an image by digest': (r) => ({ image: `registry.example.test/${r.name()}@sha256:${sha(r.name())}` }),
  'an image by tag': (r) => ({ image: `ghcr.io/example/${r.name()}:v1.${r.number(99)}.0-${r.text('hex', 7)}` }),
  'a digest': (r) => ({ status: { artifact: { digest: `sha256:${sha(r.name())}` } } }),
  'a digest that nothing names': (r) => ({ note: sha(r.name(), 'sha512') }),
  'a commit': (r) => ({ status: { lastAppliedRevision: `main@sha1:${sha(r.name(), 'sha1')}` } }),
  'a commit in a sentence': (r) => ({ message: `stored artifact for revision 'main/${sha(r.name(), 'sha1')}'` }),
  'a UUID': (r) => ({ spec: { something: uuid(r) } }),
  'a UUID in a sentence': (r) => ({ message: `Volume ${uuid(r)} is attached to ${r.name()}` }),
  'a name with a hash': (r) => ({ pod: `${r.name()}-${r.text('hex', 10)}-${r.text('lower', 5)}` }),
  'a long name': (r) => ({ name: `${r.name()}-${r.name()}-${r.name()}-${r.number(999)}.${r.name()}.svc.cluster.local` }),
  'a resource id': (r) => ({
    spec: { vpcId: `vpc-0${r.text('hex', 16)}`, arn: `arn:aws:iam::${r.text('digits', 12)}:role/${r.name()}` },
  }),
  'an ARN of a Secret': (r) => ({ x: `arn:aws:secretsmanager:eu-west-1:${r.text('digits', 12)}:secret:${r.name()}` }),
  'a ULID': (r) => ({ spec: { run: `01J${r.text('digits', 7)}XKQZ5VDRM${r.text('digits', 7)}` } }),
  'a time': (r) => ({ t: `2026-11-${10 + r.number(20)}T0${r.number(10)}:00:00.${r.text('digits', 6)}Z` }),
  'a subresource integrity hash': (r) => ({ x: `sha384-${createHash('sha384').update(r.name()).digest('base64')}` }),
  'a digest in Base64': (r) => ({ status: { configHash: createHash('sha256').update(r.name()).digest('base64') } }),
  'a public key in PEM': (r) => ({
    spec: {
      key: publicKey(r.pick(['rsa', 'ec']))
        .export({ type: 'spki', format: 'pem' })
        .toString(),
    },
  }),
  'a public key in Base64': (r) => ({
    spec: {
      thing: b64(
        publicKey(r.pick(['rsa', 'ec']))
          .export({ type: 'spki', format: 'pem' })
          .toString(),
      ),
    },
  }),
  'a public key in DER': (r) => ({
    spec: { thing: b64(publicKey(r.pick(['rsa', 'ec'])).export({ type: 'spki', format: 'der' })) },
  }),
  'a public key of WireGuard': (r) => ({ spec: { publicKey: b64(r.bytes(32)) } }),
  'a public key of SSH': (r) => ({
    spec: { x: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${r.text('base62', 43)} bob@example.test` },
  }),
  'a fingerprint': (r) => ({ x: `SHA256:${r.text('base62', 43)}` }),
  'Base64 of a sentence': (r) => ({
    data: { note: b64(`Welcome to ${r.name()}, please mind the gap between ${r.name()} and the platform.`) },
  }),
  'Base64 of YAML': (r) => ({ data: { conf: b64(`server:\n  host: ${r.name()}.example.test\n  port: ${r.number(9000)}\n`) } }),
  'Base64 of JSON': (r) => ({ userData: b64(JSON.stringify({ host: r.name(), replicas: r.number(9), labels: { a: 'b' } })) }),
  'Base64 of a picture': (r) => ({ icon: b64(Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), r.bytes(200)])) }),
  'a URL': (r) => ({ url: `https://${r.name()}.example.test:8443/api/v${r.number(9)}/things?limit=10&sort=name#top` }),
  'a URL with an at sign in its path': (r) => ({ url: `https://registry.example.test/@scope/${r.name()}@1.2.3` }),
  'a URL of Git': (r) => ({ url: `ssh://git@git.example.test:22/team/${r.name()}.git` }),
  'a URL of OCI': (r) => ({ url: `oci://ghcr.io/example/charts/${r.name()}@sha256:${sha(r.name())}` }),
  'a mail address': (r) => ({ owner: `${r.name()}@example.test`, note: `ask ${r.name()}@example.test for help: they know` }),
  'a reference to a Secret': (r) => ({
    passwordSecretRef: { name: r.name(), key: 'password' },
    secretName: `${r.name()}-tls`,
    tokenSecretRef: { name: r.name() },
    imagePullSecrets: [{ name: `${r.name()}-pull` }],
  }),
  'a name of a Secret under a bare name': (r) => ({ secret: `${r.name()}-credentials`, tls: { secret: `${r.name()}-tls` } }),
  'a Secret that exists': (r) => ({ auth: { existingSecret: r.name(), configSecret: r.name() } }),
  'a key of a Secret': (r) => ({ data: [{ secretKey: 'token', remoteRef: { key: r.name(), property: 'token' } }] }),
  'an env entry by reference': (r) => ({
    env: [{ name: 'DB_PASSWORD', valueFrom: { secretKeyRef: { name: r.name(), key: 'password' } } }],
  }),
  'an env entry that is a setting': (r) => ({
    env: [
      { name: 'LOG_LEVEL', value: 'debug' },
      { name: 'KEY_FILE', value: `/etc/${r.name()}/key` },
    ],
  }),
  'a file of a token': (r) => ({ args: ['--token-file', `/var/run/secrets/${r.name()}`, `--tls-key=/etc/tls/${r.name()}.key`] }),
  'switches and limits': (r) => ({
    automountServiceAccountToken: 'false',
    tokenTTL: '10m',
    maxTokens: r.number(9000),
    tokenLimit: '100k',
    passwordPolicy: 'strict',
    secretRotation: 'enabled',
    enableToken: 'true',
  }),
  'a template': (r) => ({
    password: '${DB_PASSWORD}',
    token: `{{ .Values.${r.text('lower', 6)}.token }}`,
    secret: '$(SECRET)',
    pass: '{DB_PASS}',
  }),
  'a template in a text': () => ({ x: 'password: {{ .password }}\ntoken: ${TOKEN}\n', y: '--password=$(DB_PASSWORD)' }),
  'a message about a Secret': (r) => ({
    message: r.pick([
      `could not get secret: secrets "${r.name()}" not found`,
      `error retrieving token: unexpected end of input`,
      `waiting for password: not set yet`,
      `authentication failed: invalid credentials: expected two words`,
      `the token is expired, renew it; the secret ${r.name()} was rotated`,
      `bearer authentication required for this realm`,
      `Basic authentication is disabled`,
    ]),
  }),
  'a reason in camel case': (r) => ({
    reason: r.pick([
      'MinimumReplicasAvailable',
      'SecretRefNotFoundInNamespace',
      'KubernetesNetworkPolicyV1Beta1Spec',
      'FailedToReconcileHelmRelease2',
    ]),
  }),
  'an API version': (r) => ({ x: `${r.name()}.example.test/v1beta1`, apiVersion: 'source.toolkit.fluxcd.io/v1beta2' }),
  'a query of Prometheus': (r) => ({
    expr: `sum by (namespace) (rate(http_requests_total{job="${r.name()}",code=~"5.."}[5m])) > 0.${r.number(9)}`,
  }),
  'a rule in CEL': () => ({
    rule: "self.metadata.name.startsWith('a') && size(self.spec.tokens) < 10 && !has(self.spec.password)",
  }),
  'options of a JVM': () => ({
    opts: '-Xms4G -XX:+UseG1GC -XX:G1MixedGCCountTarget=4 -XX:InitiatingHeapOccupancyPercent=15 -Dusing.aikars.flags=true',
  }),
  'a regular expression': () => ({ x: '^[a-zA-Z0-9]{8,32}$', match: '(?i)(token|secret)-[0-9]+' }),
  'an address': (r) => ({
    host: `k8s-shop-${r.text('hex', 10)}-${r.text('digits', 10)}.elb.eu-west-1.amazonaws.com`,
    ip: '10.1.2.3:8443',
  }),
  'an address of IPv6': () => ({ x: '2001:0db8:85a3:0000:0000:8a2e:0370:7334', mac: '0a:58:0a:f4:00:0b' }),
  'a label of Helm': (r) => ({
    labels: { 'helm.sh/chart': `${r.name()}-1.${r.number(99)}.0`, 'app.kubernetes.io/managed-by': 'Helm' },
  }),
  'a checksum': (r) => ({ annotations: { 'checksum/config': sha(r.name()), 'checksum/secret': sha(r.name()) } }),
  'an SQL statement': () => ({ query: 'SELECT id, name FROM users WHERE token_id = $1 AND created_at > now()' }),
  'a cron line': () => ({ schedule: '*/15 2-4 * * 1,3,5' }),
  'YAML of settings': (r) => ({ x: `tokens:\n  ttl: 10m\nkeys: []\nsecretName: ${r.name()}\nserver:\n  host: ${r.name()}\n` }),
  'YAML with a reference': (r) => ({
    x: `env:\n  - name: DB_PASSWORD\n    valueFrom:\n      secretKeyRef:\n        name: ${r.name()}\n        key: password\n`,
  }),
  'last-applied without a secret': (r) => ({
    annotations: {
      'kubectl.kubernetes.io/last-applied-configuration': `${JSON.stringify({ spec: { replicas: 3, secretName: `${r.name()}-tls` } })}\n`,
    },
  }),
  'a SealedSecret': (r) => ({ spec: { encryptedData: { password: `AgB${b64(r.bytes(300)).replaceAll(/=+$/g, '')}` } } }),
  'a long path': (r) => ({ path: `/var/lib/kubelet/pods/${uuid(r)}/volumes/kubernetes.io~csi/${r.name()}/mount` }),
  'a name in a list of keys': () => ({ keys: ['username', 'password', 'token'], x: ['password', 'username'] }),
  'a schema': () => ({
    properties: { password: { type: 'string', description: 'The password to use, at least 12 letters long.' } },
  }),
};

export interface Harmless {
  what: string;
  value: Json;
}

export function harmlessValues(r: Random, each = 6): Harmless[] {
  return Object.entries(VALUES).flatMap(([what, make]) => Array.from({ length: each }, () => ({ what, value: make(r) })));
}
