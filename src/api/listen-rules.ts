/** Where the API may listen: on loopback always, beyond it only with TLS and a token. Pure. */
import { CrowsnestError } from '../domain/errors.ts';
import { TOKEN_LENGTH_MIN } from './auth.ts';

export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  return bare === 'localhost' || bare === '::1' || /^127(\.\d{1,3}){3}$/.test(bare);
}

/** Throws LISTEN_UNSAFE with what is missing. */
export function checkListen(host: string, guards: { tls: boolean; token: string | undefined }): void {
  if (guards.token !== undefined && guards.token.length < TOKEN_LENGTH_MIN) {
    throw new CrowsnestError({
      code: 'LISTEN_UNSAFE',
      what: `the API token is shorter than ${TOKEN_LENGTH_MIN} characters`,
      where: '--token-file or CROWSNEST_TOKEN',
      todo: 'Use a longer one, e.g. the output of openssl rand -hex 24.',
    });
  }
  if (isLoopback(host)) return;
  const missing = [guards.tls ? '' : 'TLS', guards.token === undefined ? 'a token' : ''].filter((name) => name !== '');
  if (missing.length === 0) return;
  throw new CrowsnestError({
    code: 'LISTEN_UNSAFE',
    what: `the API does not listen beyond loopback without ${missing.join(' and ')}`,
    where: host,
    todo: 'Give --tls-cert, --tls-key and --token-file, or listen on 127.0.0.1.',
  });
}

/**
 * Without a token, a web page elsewhere could point a name of its own at 127.0.0.1 and read the API through the browser; such a
 * request carries that name as its Host. True when the name is one a person would use for this machine.
 */
export function isLocalHostHeader(host: string | undefined): boolean {
  if (host === undefined) return false;
  return isLoopback(host.replace(/:\d+$/, ''));
}
