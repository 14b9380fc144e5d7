/** Who a sender is by the certificate of its connection, and whether that is whom an ingest key is for. */
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';

/** Whom a certificate must be made out to; all that is given must hold. */
export interface CertificateOwner {
  commonName?: string | undefined;
  /** One of its alternative names, with its sort: `DNS:…`, `URI:…`, `email:…` or `IP:…`. */
  san?: string | undefined;
}

export interface ShownCertificate {
  /** Undefined where there are several, or none. */
  commonName: string | undefined;
  sans: readonly string[];
  /** Why it proves nothing: nobody that is trusted here made it, or it has ended. */
  fault?: string | undefined;
}

/** Undefined where the connection has no certificate of a client. */
export function shownCertificate(request: IncomingMessage, nowMs: number): ShownCertificate | undefined {
  const { socket } = request;
  if (!(socket instanceof TLSSocket)) return undefined;
  const shown = socket.getPeerCertificate();
  if (shown?.raw === undefined) return undefined;
  const { CN: commonName } = shown.subject as { CN?: string | string[] };
  const ended = nowMs >= Date.parse(shown.valid_to);
  return {
    commonName: typeof commonName === 'string' ? commonName : undefined,
    sans: namesOf(shown.subjectaltname ?? ''),
    ...(socket.authorized ? (ended ? { fault: 'CERT_HAS_EXPIRED' } : {}) : { fault: String(socket.authorizationError) }),
  };
}

export function isOf(owner: CertificateOwner, { commonName, sans, fault }: ShownCertificate): boolean {
  if (fault !== undefined || (owner.commonName === undefined && owner.san === undefined)) return false;
  if (owner.commonName !== undefined && owner.commonName !== commonName) return false;
  return owner.san === undefined || sans.includes(owner.san);
}

/** Node's list of alternative names. A name that holds what the list is made of comes as a JSON string. */
export function namesOf(list: string): string[] {
  const names: string[] = [];
  for (const [, sort = '', value = ''] of list.matchAll(/(?:^|, )([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)/g)) {
    names.push(`${sort === 'IP Address' ? 'IP' : sort}:${value.startsWith('"') ? String(JSON.parse(value)) : value}`);
  }
  return names;
}
