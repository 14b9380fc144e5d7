/** What is no secret stays readable, digests and public certificates first of all. */
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { test } from 'node:test';
import '../../src/collector/who/reflect-metadata.ts';
import * as x509 from '@peculiar/x509';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import { mask } from '../../src/domain/masking/redact.ts';
import { harmlessValues } from './negatives.ts';
import { createRandom } from './random.ts';

const hash = keyedHash(Buffer.alloc(32, 3));
const SEED = 20_261_127;

test('none of the harmless values is masked', () => {
  const values = harmlessValues(createRandom(SEED));
  assert.ok(values.length > 300, `only ${values.length}`);
  const masked = values.filter(({ value }) => mask(value, hash) !== value);
  assert.deepEqual(
    masked.map(
      ({ what, value }) =>
        `${what}: ${JSON.stringify(value).slice(0, 300)} is ${JSON.stringify(mask(value, hash)).slice(0, 300)}`,
    ),
    [],
  );
});

test('certificates stay readable: PEM, a chain of them, Base64 of PEM, DER', async () => {
  const crypto = webcrypto as unknown as Crypto;
  x509.cryptoProvider.set(crypto);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const make = async (name: string) => {
    const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
    const dates = { notBefore: new Date(0), notAfter: new Date(1e12) };
    return x509.X509CertificateGenerator.createSelfSigned({ name: `CN=${name}`, keys, signingAlgorithm: algorithm, ...dates });
  };
  const [one, two] = [await make('one.example.test'), await make('two.example.test')];
  const pem = `${one.toString('pem')}\n${two.toString('pem')}\n`;
  const der = Buffer.from(one.rawData).toString('base64');
  const value = {
    spec: { ca: pem, anything: pem, caBundle: Buffer.from(pem).toString('base64'), der, x: `certificate-authority-data: ${der}` },
    data: { 'bundle.yaml': `tls:\n  ca: |\n${pem.replaceAll(/^/gm, '    ')}` },
  };
  assert.equal(mask(value, hash), value);
});
