import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Registry } from 'prom-client';
import { createApiServer } from '../../src/api/server.ts';
import { isCrowsnestError } from '../../src/domain/errors.ts';
import { startSeededApi, TOKEN } from '../support/seeded-api.ts';

const openssl = spawnSync('openssl', ['version']).status === 0;

function makeCertificate(folder: string, name: string): { certFile: string; keyFile: string } {
  const [certFile, keyFile] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '1'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile];
  execFileSync('openssl', ['req', '-x509', ...key, '-out', certFile, ...subject], { stdio: 'ignore' });
  return { certFile, keyFile };
}

describe('TLS', { skip: openssl ? false : 'openssl is not there to make a certificate with' }, () => {
  it('serves beyond loopback with a certificate and a token, and tells browsers to stay on TLS', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'crowsnest-tls-'));
    const { certFile, keyFile } = makeCertificate(folder, 'tls');
    const own = await startSeededApi();
    const server = createApiServer({ ...own.options, registry: new Registry(), tls: { certFile, keyFile } });
    try {
      const { url } = await server.listen('0.0.0.0', 0);
      assert.match(url, /^https:\/\/0\.0\.0\.0:\d+$/);
      const answer = await new Promise<{ status: number | undefined; hsts: string | undefined }>((resolve, reject) => {
        const options = { host: '127.0.0.1', port: new URL(url).port, ca: readFileSync(certFile), agent: false };
        get({ ...options, path: '/v1/stats', headers: { authorization: `Bearer ${TOKEN}` } }, (response) => {
          response.resume();
          resolve({ status: response.statusCode, hsts: response.headers['strict-transport-security'] });
        }).on('error', reject);
      });
      assert.deepEqual(answer, { status: 200, hsts: 'max-age=31536000' });
    } finally {
      await server.close();
      await own.stop();
      rmSync(folder, { recursive: true });
    }
  });

  it('says which files it cannot serve with, and why', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'crowsnest-tls-'));
    const [one, other] = [makeCertificate(folder, 'one'), makeCertificate(folder, 'other')];
    const text = join(folder, 'text.pem');
    writeFileSync(text, 'no certificate\n');
    const own = await startSeededApi();
    try {
      for (const [tls, why] of [
        [{ ...one, certFile: text }, /no start line.*text\.pem/],
        [{ ...one, keyFile: other.keyFile }, /key values mismatch.*other\.key/],
      ] as const) {
        const server = createApiServer({ ...own.options, registry: new Registry(), tls });
        await assert.rejects(
          server.listen('127.0.0.1', 0),
          (error: unknown) => isCrowsnestError(error, 'CONFIG_BAD_VALUE') && why.test(error.message),
        );
      }
    } finally {
      await own.stop();
      rmSync(folder, { recursive: true });
    }
  });
});
