/** Who may push what, and from where. An ingest key opens POST /v1/ingest/… only; it reads nothing. Pure. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { BlockList, isIP, isIPv4 } from 'node:net';
import { type CertificateOwner, isOf, type ShownCertificate } from './client-certificate.ts';

export const INGEST_KINDS = ['events', 'audit', 'admission', 'webhook'] as const;
export type IngestKind = (typeof INGEST_KINDS)[number];

export interface IngestKey {
  name: string;
  /** Cluster that what it pushes belongs to. */
  cluster: string;
  kinds: readonly IngestKind[];
  /** Sent as a bearer token; absent for a key that signs only. */
  secret: string | undefined;
  /** Whose certificate the connection must show: beside the secret, or instead of it where there is none. */
  certificate?: CertificateOwner | undefined;
  /** Signs webhooks. */
  hmacSecret: Buffer | undefined;
  /** Addresses it may come from, as CIDR or single address; any when empty. */
  cidrs: readonly string[];
}

export class IngestKeyring {
  readonly #keys: { key: IngestKey; digest: Buffer | undefined; allowed: BlockList | undefined }[];

  constructor(keys: readonly IngestKey[]) {
    this.#keys = keys.map((key) => ({
      key,
      digest: key.secret === undefined ? undefined : digestOf(key.secret),
      allowed: key.cidrs.length === 0 ? undefined : blockListOf(key.cidrs),
    }));
  }

  /** The key of a bearer token; undefined when it is nobody's. Every key is compared, so that the time taken does not tell which was near. */
  byToken(authorization: string | undefined): IngestKey | undefined {
    const given = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    const digest = digestOf(given ?? '');
    let found: IngestKey | undefined;
    for (const each of this.#keys) {
      if (each.digest !== undefined && timingSafeEqual(each.digest, digest)) found = each.key;
    }
    return given === undefined ? undefined : found;
  }

  /** The key of whoever shows this certificate, of those that have no secret. */
  byCertificate(shown: ShownCertificate | undefined): IngestKey | undefined {
    if (shown === undefined) return undefined;
    return this.#keys.find(({ key: { secret, certificate } }) => {
      return secret === undefined && certificate !== undefined && isOf(certificate, shown);
    })?.key;
  }

  /** The key that signs webhooks under a name, which is no secret. */
  bySigningName(name: string): IngestKey | undefined {
    return this.#keys.find(({ key }) => key.name === name && key.hmacSecret !== undefined)?.key;
  }

  /** Whether a key may be used from an address; an address that is none never may. */
  mayComeFrom(key: IngestKey, address: string | undefined): boolean {
    const allowed = this.#keys.find((each) => each.key === key)?.allowed;
    if (allowed === undefined) return true;
    const plain = (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
    return isIP(plain) !== 0 && allowed.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6');
  }
}

/** Of addresses and networks that the configuration was checked for. */
function blockListOf(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', bits] = cidr.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    list.addSubnet(address, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family);
  }
  return list;
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
