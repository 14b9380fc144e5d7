import { CrowsnestError } from '../domain/errors.ts';

/** Causes by Node's error code: what it means in words and what the reader can do. */
const CAUSES: Record<string, { what: string; todo: string }> = {
  ECONNREFUSED: { what: 'nothing listens there', todo: 'Check that the API server runs and that address and port are right.' },
  ENOTFOUND: { what: 'the host name is not known', todo: "Check the cluster's server entry and DNS." },
  EAI_AGAIN: { what: 'the host name could not be looked up', todo: 'Check DNS and the network.' },
  ETIMEDOUT: { what: 'the connection timed out', todo: 'Check the network, a firewall or a VPN in between.' },
  EHOSTUNREACH: { what: 'there is no route to the host', todo: 'Check the network or VPN.' },
  ENETUNREACH: { what: 'there is no route to the network', todo: 'Check the network or VPN.' },
  ECONNRESET: { what: 'the connection was cut', todo: 'If it persists, check the API server and any proxy in between.' },
  EPROTO: {
    what: 'the peer does not speak TLS',
    todo: 'Check whether the server entry should begin with http:// instead of https://.',
  },
  CERT_HAS_EXPIRED: { what: "the server's certificate has expired", todo: "Renew the API server's certificate." },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    what: "the server's certificate is for another name",
    todo: "Use a name of the certificate, or set the cluster's tls-server-name.",
  },
};
const UNTRUSTED = {
  what: "the server's certificate is not signed by a known authority",
  todo: "Check the cluster's certificate-authority in the kubeconfig.",
};
for (const code of [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]) {
  CAUSES[code] = UNTRUSTED;
}

/** CLUSTER_UNREACHABLE in words a person can act upon; `where` is host:port. */
export function unreachable(server: URL, error: unknown): CrowsnestError {
  const code = codeOf(error);
  const known = code === undefined ? undefined : CAUSES[code];
  const message = error instanceof Error ? error.message : String(error);
  return new CrowsnestError({
    code: 'CLUSTER_UNREACHABLE',
    what: `the API server gives no answer: ${known?.what ?? message}`,
    where: hostAndPort(server),
    todo: known?.todo ?? 'Check the address, the network and any proxy in between.',
    cause: error,
  });
}

function hostAndPort(server: URL): string {
  if (server.port !== '') return server.host;
  return `${server.host}:${server.protocol === 'http:' ? 80 : 443}`;
}

/** A name with several addresses fails with an AggregateError; its first member tells why. */
function codeOf(error: unknown): string | undefined {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
