/** Certificates made for a test, so that none lies in the repository and none ever ends unnoticed. */
import '../../src/collector/who/reflect-metadata.ts';
import * as x509 from '@peculiar/x509';

export interface Identity {
  /** PEM. */
  cert: string;
  /** PEM, PKCS #8. */
  key: string;
}

export interface Authority extends Identity {
  issue(subject: string, options?: { client?: boolean; hours?: number }): Promise<Identity>;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const HOUR_MS = 3_600_000;

export async function createAuthority(name = 'CN=test authority'): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const own = await x509.X509CertificateGenerator.createSelfSigned({
    name,
    keys,
    ...validity(24),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
    signingAlgorithm: ALGORITHM,
  });
  return {
    cert: own.toString('pem'),
    key: await pemOf(keys.privateKey),
    async issue(subject, { client = false, hours = 1 } = {}) {
      const issued = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
      const purpose = client ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth;
      const cert = await x509.X509CertificateGenerator.create({
        subject,
        issuer: own.subject,
        publicKey: issued.publicKey,
        signingKey: keys.privateKey,
        ...validity(hours),
        extensions: [
          new x509.ExtendedKeyUsageExtension([purpose]),
          new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }]),
        ],
        signingAlgorithm: ALGORITHM,
      });
      return { cert: cert.toString('pem'), key: await pemOf(issued.privateKey) };
    },
  };
}

function validity(hours: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - HOUR_MS), notAfter: new Date(Date.now() + hours * HOUR_MS) };
}

async function pemOf(key: CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}
