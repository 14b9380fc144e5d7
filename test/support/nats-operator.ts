/** An operator of NATS accounts with one user, as `nsc` would make them: JWTs signed with ed25519 keys. */
import { nkeys } from '@nats-io/transport-node';

type KeyPair = ReturnType<typeof nkeys.createUser>;

export interface NatsOperator {
  /** What goes into the server's configuration. */
  config: string;
  /** A credentials file of the user: its JWT and the seed of its key. */
  creds: string;
  /** A credentials file with another key under the same JWT, as of somebody who only saw that. */
  stolen: string;
}

const UNLIMITED = { subs: -1, data: -1, payload: -1 };
const ACCOUNT_LIMITS = { ...UNLIMITED, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
const STORAGE = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };

export function createNatsOperator(): NatsOperator {
  const [operator, system, account, user] = [
    nkeys.createOperator(),
    nkeys.createAccount(),
    nkeys.createAccount(),
    nkeys.createUser(),
  ];
  const operatorJwt = sign(operator, operator, 'operator', {});
  const systemJwt = sign(operator, system, 'account', { limits: ACCOUNT_LIMITS });
  const accountJwt = sign(operator, account, 'account', { limits: { ...ACCOUNT_LIMITS, ...STORAGE } });
  const userJwt = sign(account, user, 'user', { ...UNLIMITED, pub: {}, sub: {} });
  return {
    config: [
      `operator: ${operatorJwt}`,
      `system_account: ${system.getPublicKey()}`,
      'resolver: MEMORY',
      `resolver_preload: { ${system.getPublicKey()}: ${systemJwt}, ${account.getPublicKey()}: ${accountJwt} }`,
    ].join('\n'),
    creds: credsFile(userJwt, user),
    stolen: credsFile(userJwt, nkeys.createUser()),
  };
}

function sign(issuer: KeyPair, subject: KeyPair, type: string, claims: object): string {
  const sub = subject.getPublicKey();
  const body = { jti: sub, iat: Math.floor(Date.now() / 1000), iss: issuer.getPublicKey(), name: type, sub };
  const parts = [
    { typ: 'JWT', alg: 'ed25519-nkey' },
    { ...body, nats: { ...claims, type, version: 2 } },
  ];
  const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString('base64url')}`;
}

function credsFile(jwt: string, key: KeyPair): string {
  const seed = Buffer.from(key.getSeed()).toString();
  return [
    ...['-----BEGIN NATS USER JWT-----', jwt, '------END NATS USER JWT------', ''],
    ...['-----BEGIN USER NKEY SEED-----', seed, '------END USER NKEY SEED------', ''],
  ].join('\n');
}
