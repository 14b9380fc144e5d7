import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { namesOf } from '../../src/api/client-certificate.ts';
import type { IngestKey } from '../../src/api/ingest-keys.ts';
import { ManualClock } from '../respond/manual-clock.ts';
import { type Authority, createAuthority, type Identity } from '../support/certificates.ts';
import { API_TOKEN, type PushingApi, startPushingApi } from '../support/pushing-api.ts';
import { until } from '../support/until.ts';

const SECRET = 'a-key-beside-a-certificate';
const common = { cluster: 'prod-eu', kinds: ['events'], cidrs: [], hmacSecret: undefined } as const;
const KEYS: IngestKey[] = [
  { ...common, name: 'alone', secret: undefined, certificate: { commonName: 'forge' } },
  { ...common, name: 'both', secret: SECRET, certificate: { san: 'IP:127.0.0.1', commonName: 'deployer' } },
  { ...common, name: 'plain', secret: 'a-key-without-certificate' },
];

interface Answer {
  status: number;
  code?: string;
  detail?: string;
}

describe('pushes by a client certificate', () => {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-mtls-'));
  const files = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key'), clientCaFile: join(folder, 'ca.crt') };
  // Not later than the certificates were made.
  const clock = new ManualClock(Date.now());
  let servers: Authority;
  let clients: Authority;
  let strangers: Authority;
  let api: PushingApi;
  let ids = 0;

  const put = (file: string, text: string) => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  const client = (name: string, authority = clients, hours = 1) => authority.issue(`CN=${name}`, { client: true, hours });

  before(async () => {
    [servers, clients, strangers] = [await createAuthority('CN=servers'), await createAuthority(), await createAuthority()];
    const { cert, key } = await servers.issue('CN=api');
    put(files.certFile, cert);
    put(files.keyFile, key);
    put(files.clientCaFile, clients.cert);
    api = await startPushingApi({ keys: KEYS, tls: files, clock });
  });
  after(async () => {
    const stopped = api.stop();
    clock.advance(10_000);
    await stopped;
    rmSync(folder, { recursive: true });
  });

  /** Resolves with what the server answered; rejects where there was no answer. */
  function push(how: { identity?: Identity; token?: string; agent?: Agent; ca?: string } = {}): Promise<Answer> {
    const { identity, token, agent, ca = servers.cert } = how;
    const event = {
      ...{ specversion: '1.0', id: `e${++ids}`, source: 'https://forge.example', type: 'dev.crowsnest.cr.created.v1' },
      data: {
        object: { apiVersion: 'a.dev/v1', kind: 'Thing', metadata: { name: `t${ids}`, uid: `u${ids}`, resourceVersion: '1' } },
      },
    };
    const body = JSON.stringify(event);
    return new Promise((resolve, reject) => {
      const asked = request(
        `${api.url}/v1/ingest/events`,
        {
          ...{ method: 'POST', ca, agent: agent ?? new Agent(), ...identity },
          headers: {
            ...{ 'content-type': 'application/cloudevents+json', 'content-length': Buffer.byteLength(body) },
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          },
        },
        (response) => {
          response.setEncoding('utf8');
          let text = '';
          response.on('data', (piece: string) => (text += piece));
          response.on('end', () => resolve({ ...JSON.parse(text), status: response.statusCode ?? 0 }));
        },
      );
      asked.on('error', reject).end(body);
    });
  }

  it('are taken of whom a key names, with the secret beside it where the key has one', async () => {
    assert.equal((await push({ identity: await client('forge') })).status, 200);
    assert.equal((await push({ identity: await client('deployer'), token: SECRET })).status, 200);
    assert.equal((await push({ token: 'a-key-without-certificate' })).status, 200);
    assert.equal(api.batches.length, 3);
  });

  const forbidden: [what: string, how: () => Promise<Parameters<typeof push>[0]>, expected: RegExp][] = [
    ['no certificate', async () => ({ token: SECRET }), /the connection shows none/],
    ['that of somebody else', async () => ({ token: SECRET, identity: await client('forge') }), /is not that of this key/],
    [
      'that of an authority nobody named',
      async () => ({ token: SECRET, identity: await client('deployer', strangers) }),
      /proves nothing here: .*(UNABLE_TO|SELF_SIGNED|SIGNATURE)/,
    ],
    [
      'one that has ended',
      async () => ({ token: SECRET, identity: await client('deployer', clients, -0.5) }),
      /proves nothing here: CERT_HAS_EXPIRED/,
    ],
  ];
  for (const [what, how, expected] of forbidden) {
    it(`are refused with a right secret and ${what}, and counted`, async () => {
      const metric = 'crowsnest_ingest_rejects_total{reason="certificate"}';
      const before = (await api.metric(metric)) ?? 0;
      const { status, code, detail } = await push(await how());
      assert.deepEqual({ status, code }, { status: 403, code: 'INGEST_FORBIDDEN' });
      assert.match(detail ?? '', expected);
      assert.equal(await api.metric(metric), before + 1);
    });
  }

  it('are nobody’s where no key names the certificate, nobody vouches for it, or a wrong secret comes with it', async () => {
    for (const how of [
      { identity: await client('mallory') },
      { identity: await client('forge', strangers) },
      { identity: await client('forge', clients, -0.5) },
      { identity: await client('forge'), token: 'a-wrong-key-of-nobody' },
      {},
    ]) {
      const { status, code } = await push(how);
      assert.deepEqual({ status, code }, { status: 401, code: 'UNAUTHENTICATED' });
    }
  });

  it('read nothing, and whoever reads needs no certificate', async () => {
    const status = async (identity: Identity | undefined, token: string | undefined) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
        request(`${api.url}/v1/stats`, { ca: servers.cert, agent: new Agent(), headers, ...identity }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
    assert.equal(await status(await client('forge'), undefined), 401);
    assert.equal(await status(undefined, API_TOKEN), 200);
  });

  it('a certificate that ends on an open connection ends there too', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const identity = await client('forge');
    assert.equal((await push({ identity, agent })).status, 200);
    clock.advance(2 * 3_600_000);
    assert.equal((await push({ identity, agent })).status, 401);
    agent.destroy();
  });

  it('go by the files as they are: another authority, another certificate, and a broken file changes nothing', async () => {
    const next = await createAuthority('CN=next');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const old = await client('forge', clients, 24);
    const renewed = await client('forge', next, 24);
    assert.equal((await push({ identity: old, agent })).status, 200);
    assert.equal((await push({ identity: renewed })).status, 401);
    put(files.clientCaFile, 'no certificate');
    clock.advance(10_000);
    assert.equal((await push({ identity: old })).status, 200);
    put(files.clientCaFile, next.cert);
    await until('the new authority is used', async () => {
      clock.advance(10_000);
      return (await push({ identity: renewed })).status === 200;
    });
    // The connection that the old certificate opened was closed, or is no proof any more.
    assert.equal((await push({ identity: old, agent })).status, 401);
    const pair = await next.issue('CN=api');
    put(files.certFile, pair.cert);
    put(files.keyFile, pair.key);
    await until('the new certificate is served', async () => {
      clock.advance(10_000);
      return push({ identity: renewed, ca: next.cert }).then(
        ({ status }) => status === 200,
        () => false,
      );
    });
    agent.destroy();
  });
});

it('alternative names are read one by one, also where one holds what lists are made of', () => {
  assert.deepEqual(namesOf('DNS:a.example, URI:spiffe://x/y, IP Address:127.0.0.1'), [
    'DNS:a.example',
    'URI:spiffe://x/y',
    'IP:127.0.0.1',
  ]);
  assert.deepEqual(namesOf('URI:"https://a, DNS:forge.example", email:a@b'), ['URI:https://a, DNS:forge.example', 'email:a@b']);
  assert.deepEqual(namesOf(''), []);
});
