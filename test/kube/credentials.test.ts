import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { CrowsnestError, isCrowsnestError } from '../../src/domain/errors.ts';
import { askCredentials } from '../../src/kube/ask-credentials.ts';
import { type Credentials, loadCredentials } from '../../src/kube/credentials.ts';
import type { CredentialMaterial, CredentialsAnswer, CredentialsQuestion } from '../../src/kube/credentials-exchange.ts';
import { ManualClock } from '../respond/manual-clock.ts';
import { createAuthority } from '../support/certificates.ts';
import { until } from '../support/until.ts';

const SERVER = 'https://127.0.0.1:6443/';
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crowsnest-credentials-'));
});
after(() => rm(folder, { recursive: true }));

describe('credentials that are kept', () => {
  let clock: ManualClock;
  let questions: CredentialsQuestion[];
  let next: () => Partial<CredentialMaterial> | CrowsnestError;
  let place: CredentialsAnswer['place'];

  beforeEach(() => {
    clock = new ManualClock();
    questions = [];
    next = () => ({ headers: { Authorization: `Bearer ${questions.length}` } });
    place = { cluster: 'c', context: 'pinned', server: SERVER, files: [] };
  });

  const load = (): Promise<Credentials> =>
    loadCredentials(
      { kubeconfig: 'config' },
      {
        clock,
        ask: async (question) => {
          questions.push(question);
          const material = next();
          if (!(material instanceof CrowsnestError)) return { place, material: { headers: {}, tls: {}, ...material } };
          if (material.code === 'KUBECONFIG_INVALID') throw material;
          return { place, failure: { code: material.code, what: material.what } };
        },
      },
    );
  const tokenOf = async (credentials: Credentials) => (await credentials.apply()).headers as Record<string, string>;
  const unauthorized = () => new CrowsnestError({ code: 'CLUSTER_UNAUTHORIZED', what: 'no' });

  it('are asked for once while they are good', async () => {
    const credentials = await load();
    for (let i = 0; i < 5; i++) {
      clock.advance(3_600_000);
      assert.deepEqual(await tokenOf(credentials), { Authorization: 'Bearer 1' });
    }
    assert.deepEqual([credentials.cluster, credentials.server.href, questions.length], ['c', SERVER, 1]);
  });

  it('are asked for again before they end, in the context of the start, by many requests at once as by one', async () => {
    next = () => ({
      headers: { n: String(questions.length) },
      expiresMs: clock.nowMs() + 600_000,
      carried: { 'refresh-token': 'r1' },
    });
    const credentials = await load();
    clock.advance(580_000);
    assert.deepEqual(await tokenOf(credentials), { n: '1' });
    clock.advance(11_000);
    const all = await Promise.all(Array.from({ length: 10 }, () => tokenOf(credentials)));
    assert.deepEqual(new Set(all.map(({ n }) => n)), new Set(['2']));
    assert.deepEqual(questions[1], { options: { kubeconfig: 'config', context: 'pinned' }, carried: { 'refresh-token': 'r1' } });
  });

  it('are asked for again after a refusal, ever more rarely while that brings nothing new', async () => {
    next = () => ({ headers: { Authorization: 'Bearer same' } });
    const credentials = await load();
    for (let second = 0; second < 300; second++) {
      clock.advance(1_000);
      await credentials.apply();
      credentials.refused?.();
    }
    // After 5, 15, 35, 75 and 155 s; each needs a refusal first.
    assert.equal(questions.length - 1, 5);
    next = () => ({ headers: { Authorization: 'Bearer new' } });
    clock.advance(300_000);
    assert.deepEqual(await tokenOf(credentials), { Authorization: 'Bearer new' });
  });

  it('stay as they are until their end when new ones cannot be had, and then say why', async () => {
    next = () => ({ headers: { Authorization: 'Bearer old' }, expiresMs: clock.nowMs() + 60_000 });
    const credentials = await load();
    next = unauthorized;
    clock.advance(55_000);
    assert.deepEqual(await tokenOf(credentials), { Authorization: 'Bearer old' });
    assert.equal(questions.length, 2);
    clock.advance(60_000);
    await assert.rejects(credentials.apply(), (error) => isCrowsnestError(error, 'CLUSTER_UNAUTHORIZED'));
    next = () => ({ headers: { Authorization: 'Bearer back' } });
    await assert.rejects(credentials.apply());
    clock.advance(60_000);
    assert.deepEqual(await tokenOf(credentials), { Authorization: 'Bearer back' });
  });

  it('that cannot be had at the start are no reason not to start', async () => {
    next = unauthorized;
    const credentials = await load();
    await assert.rejects(credentials.apply(), (error) => isCrowsnestError(error, 'CLUSTER_UNAUTHORIZED'));
    assert.equal(questions.length, 1);
    next = () => ({ headers: { Authorization: 'Bearer now' } });
    clock.advance(5_000);
    assert.deepEqual(await tokenOf(credentials), { Authorization: 'Bearer now' });
  });

  it('are asked for again when a file they come from is replaced, and a broken file takes nothing away', async () => {
    const file = join(folder, 'watched');
    await writeFile(file, 'one');
    place.files = [file];
    next = () => ({
      headers: { Authorization: `Bearer ${questions.length}` },
      carried: { 'refresh-token': 'of an older login' },
    });
    const credentials = await load();
    await credentials.apply();
    clock.advance(4_000);
    await credentials.apply();
    assert.equal(questions.length, 1);
    await writeFile(`${file}.new`, 'two');
    await rename(`${file}.new`, file);
    clock.advance(4_000);
    assert.deepEqual(await tokenOf(credentials), { Authorization: 'Bearer 2' });
    assert.equal(questions[1]?.carried, undefined);
    await writeFile(file, 'broken!');
    next = () => new CrowsnestError({ code: 'KUBECONFIG_INVALID', what: 'broken' });
    clock.advance(4_000);
    assert.deepEqual(await tokenOf(credentials), { Authorization: 'Bearer 2' });
    assert.equal(questions.length, 3);
  });

  it('are never sent to another server that the context names later', async () => {
    place.files = [join(folder, 'moved')];
    const credentials = await load();
    place = { ...place, server: 'https://127.0.0.2:6443/' };
    credentials.refused?.();
    clock.advance(10_000);
    assert.deepEqual(await tokenOf(credentials), { Authorization: 'Bearer 1' });
    assert.equal(questions.length, 2);
  });

  it('read a token file again as it rotates, at once after a refusal, without asking anybody', async () => {
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, 'first\n');
    next = () => ({ headers: { 'Impersonate-User': 'x' }, tokenFile });
    const credentials = await load();
    assert.deepEqual(await tokenOf(credentials), { 'Impersonate-User': 'x', Authorization: 'Bearer first' });
    await writeFile(tokenFile, 'second\n');
    assert.equal((await tokenOf(credentials)).Authorization, 'Bearer first');
    clock.advance(3_000);
    assert.equal((await tokenOf(credentials)).Authorization, 'Bearer second');
    await writeFile(tokenFile, 'third\n');
    credentials.refused?.();
    assert.equal((await tokenOf(credentials)).Authorization, 'Bearer third');
    await writeFile(tokenFile, '');
    clock.advance(3_000);
    await assert.rejects(
      credentials.apply(),
      (error) => isCrowsnestError(error, 'CLUSTER_UNAUTHORIZED') && /is empty/.test(error.what),
    );
    assert.equal(questions.length, 1);
  });
});

describe('the credentials process', () => {
  async function ask(user: object, cluster: object = {}, options: object = {}, timeoutMs?: number): Promise<CredentialsAnswer> {
    const file = join(folder, 'kubeconfig');
    const config = {
      clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:6443', ...cluster } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    await writeFile(file, JSON.stringify(config));
    return askCredentials({ options: { kubeconfig: file, ...options } }, timeoutMs);
  }
  const base64 = (text: string) => Buffer.from(text).toString('base64');

  it('tells where the cluster is and what the answer depends on', async () => {
    const answer = await ask({ 'client-certificate': 'no.crt', 'client-key': 'no.key' }, { 'certificate-authority': 'ca.crt' });
    assert.deepEqual(answer.place, {
      ...{ cluster: 'c', context: 'x', server: SERVER },
      files: ['kubeconfig', 'ca.crt', 'no.crt', 'no.key'].map((name) => join(folder, name)),
    });
    assert.equal(answer.failure?.code, 'CLUSTER_UNAUTHORIZED');
    assert.match(answer.failure?.what ?? '', /cannot be had.*no such file/);
  });

  it('gives tokens with their end, passwords, and TLS settings', async () => {
    const exp = 1_900_000_000;
    const jwt = `${base64('{}')}.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.sig`.replaceAll('=', '');
    const token = await ask({ token: jwt }, { 'tls-server-name': 'other', 'insecure-skip-tls-verify': true });
    assert.deepEqual(token.material?.headers, { Authorization: `Bearer ${jwt}` });
    assert.equal(token.material?.expiresMs, exp * 1000);
    assert.deepEqual(token.material?.tls, { rejectUnauthorized: false, servername: 'other' });
    const password = await ask({ username: 'me', password: 'pw' });
    assert.deepEqual(password.material?.headers, { Authorization: `Basic ${base64('me:pw')}` });
  });

  it('gives a certificate as bytes, with its end', async () => {
    const authority = await createAuthority();
    const { cert, key } = await authority.issue('CN=me', { client: true });
    const data = { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) };
    const { material } = await ask(data, { 'certificate-authority-data': base64(authority.cert) });
    const { tls, expiresMs } = material as CredentialMaterial;
    assert.deepEqual([String(tls.cert), String(tls.key), String(tls.ca)], [cert, key, authority.cert]);
    assert.ok(Math.abs((expiresMs ?? 0) - Date.now() - 3_600_000) < 60_000);
  });

  for (const [what, user] of [
    ["the user's tokenFile", { tokenFile: 'token-in-file' }],
    [
      'the token file of an auth provider',
      { 'auth-provider': { name: 'tokenFile', config: { tokenFile: 'FOLDER/token-in-file' } } },
    ],
  ] as const) {
    it(`names ${what}, which is read elsewhere`, async () => {
      await writeFile(join(folder, 'token-in-file'), 'secret-of-file');
      const { material } = await ask(JSON.parse(JSON.stringify(user).replace('FOLDER', folder)));
      assert.equal(material?.tokenFile, join(folder, 'token-in-file'));
      assert.deepEqual(material?.headers, {});
    });
  }

  it('runs an exec plugin and keeps the end that it names', async () => {
    const plugin = join(folder, 'plugin');
    const credential = { status: { token: 'of-plugin', expirationTimestamp: '2031-02-03T04:05:06Z' } };
    await writeFile(plugin, `#!/bin/sh\necho run >> '${folder}/runs'\necho '${JSON.stringify(credential)}'\n`);
    await chmod(plugin, 0o700);
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: plugin, interactiveMode: 'Never' };
    const { material } = await ask({ exec });
    assert.deepEqual(material?.headers, { Authorization: 'Bearer of-plugin' });
    assert.equal(material?.expiresMs, Date.parse('2031-02-03T04:05:06Z'));
    assert.equal(await readFile(join(folder, 'runs'), 'utf8'), 'run\n');
  });

  it('hands back what an auth provider keeps in memory, and takes it again', async () => {
    const exp = Math.floor(Date.now() / 1000) + 3_600;
    const jwt = (name: string) => `e30.${Buffer.from(JSON.stringify({ exp, name })).toString('base64url')}.sig`;
    const config = { 'client-id': 'c', 'idp-issuer-url': 'https://127.0.0.1:1', 'id-token': jwt('old'), 'refresh-token': 'r1' };
    const user = { 'auth-provider': { name: 'oidc', config } };
    const first = await ask(user);
    assert.equal(first.material?.headers.Authorization, `Bearer ${jwt('old')}`);
    const file = join(folder, 'kubeconfig');
    const carried = { ...first.material?.carried, 'id-token': jwt('new'), 'refresh-token': 'r2' };
    const second = await askCredentials({ options: { kubeconfig: file }, carried });
    assert.equal(second.material?.headers.Authorization, `Bearer ${jwt('new')}`);
    assert.equal(second.material?.carried?.['refresh-token'], 'r2');
  });

  describe('with a plugin that hangs', () => {
    const pidFile = () => join(folder, 'hanging-pid');
    const hanging = async () => {
      const plugin = join(folder, 'hanging');
      await rm(pidFile(), { force: true });
      await writeFile(plugin, `#!/bin/sh\necho $$ > '${pidFile()}'\nexec sleep 600\n`);
      await chmod(plugin, 0o700);
      return { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: plugin, interactiveMode: 'Never' } };
    };
    const pluginIsGone = async () => !isAlive(Number(await readFile(pidFile(), 'utf8')));

    it('gives up, and ends the plugin', async () => {
      await assert.rejects(
        ask(await hanging(), {}, {}, 3_000),
        (error) => isCrowsnestError(error, 'CLUSTER_UNAUTHORIZED') && /no answer within 3 s/.test(error.what),
      );
      await until('the plugin is gone', pluginIsGone);
    });

    it('ends with whoever asked, the plugin too', async () => {
      await ask({ token: 't' });
      const config = JSON.parse(await readFile(join(folder, 'kubeconfig'), 'utf8'));
      config.users[0].user = await hanging();
      await writeFile(join(folder, 'kubeconfig'), JSON.stringify(config));
      const module = new URL('../../src/kube/ask-credentials.ts', import.meta.url).href;
      const program = `(await import('${module}')).askCredentials({ options: { kubeconfig: '${join(folder, 'kubeconfig')}' } })`;
      const asker = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' });
      await until('the plugin runs', () => readFile(pidFile(), 'utf8').catch(() => undefined));
      asker.kill('SIGKILL');
      await until('the plugin is gone', pluginIsGone);
    });
  });

  it('sees that the way leads through a proxy', async () => {
    const { place } = await ask({ token: 't' }, { 'proxy-url': 'http://127.0.0.1:3128' });
    assert.equal(place.proxyUrl, 'http://127.0.0.1:3128');
  });

  it('refuses a proxy that it does not know, without telling its password', async () => {
    const asked = ask({ token: 't' }, { 'proxy-url': 'ftp://ann:hunter2@127.0.0.1:21' });
    await assert.rejects(asked, (error) => {
      assert.ok(isCrowsnestError(error, 'KUBECONFIG_INVALID'), String(error));
      assert.match(error.what, /proxy-url/);
      assert.doesNotMatch(JSON.stringify(error) + error.message, /hunter2/);
      return true;
    });
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
