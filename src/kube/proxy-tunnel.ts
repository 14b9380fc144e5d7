/**
 * The way to an API server through the proxy of a kubeconfig's `proxy-url`: a plain connection to the server's port, on which TLS is spoken
 * with the server itself, so that HTTP/2 and HTTP/1.1 go through as they would without a proxy.
 */
import https from 'node:https';
import { isIPv6, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SocksProxy } from 'socks';
import { http } from '../telemetry/node-http.ts';

export interface Way {
  proxy: URL;
  host: string;
  port: number;
  timeoutMs: number;
}

/** Errors name the proxy by host and port only: its URL may hold a password. */
export function openTunnel(way: Way): Promise<Socket> {
  return way.proxy.protocol.startsWith('socks') ? throughSocks(way) : throughConnect(way);
}

/** Without brackets, as sockets take it. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

function throughConnect({ proxy, host, port, timeoutMs }: Way): Promise<Socket> {
  const authority = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const secure = proxy.protocol === 'https:';
  return new Promise((resolve, reject) => {
    const request = (secure ? https : http).request({
      ...{ host: hostOf(proxy), port: proxy.port === '' ? (secure ? 443 : 80) : proxy.port },
      ...{ method: 'CONNECT', path: authority, agent: false },
      headers: { host: authority, ...authorization(proxy) },
    });
    const timer = setTimeout(() => request.destroy(failed(proxy, `gives no answer within ${timeoutMs / 1000} s`)), timeoutMs);
    request.once('connect', ({ statusCode = 0 }, socket: Duplex, head) => {
      clearTimeout(timer);
      if (statusCode >= 200 && statusCode < 300) {
        if (head.length > 0) socket.unshift(head);
        resolve(socket as Socket);
        return;
      }
      socket.destroy();
      const why = statusCode === 407 ? ': it wants user and password, as in http://user:password@host:port' : '';
      reject(failed(proxy, `refuses the way to ${authority} with ${statusCode}${why}`));
    });
    request.on('error', (error) => {
      clearTimeout(timer);
      reject(error.message.startsWith('the proxy ') ? error : failed(proxy, `cannot be reached: ${error.message}`, error));
    });
    request.end();
  });
}

async function throughSocks({ proxy, host, port, timeoutMs }: Way): Promise<Socket> {
  const { username, password } = proxy;
  const given: SocksProxy = {
    ...{ host: hostOf(proxy), port: proxy.port === '' ? 1080 : Number(proxy.port) },
    type: proxy.protocol.startsWith('socks4') ? 4 : 5,
    ...(username === '' ? {} : { userId: decodeURIComponent(username), password: decodeURIComponent(password) }),
  };
  // Few need it, and it is some MB.
  const { SocksClient } = await import('socks');
  try {
    const { socket } = await SocksClient.createConnection({
      ...{ proxy: given, command: 'connect', destination: { host, port }, timeout: timeoutMs },
    });
    return socket;
  } catch (error) {
    // The library's error carries its options, password and all.
    throw failed(proxy, `gives no way: ${error instanceof Error ? error.message : 'unknown'}`);
  }
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** `ETUNNEL` keeps what is wrong with the proxy from being told as if it were the API server. */
function failed(proxy: URL, what: string, cause?: unknown): Error {
  const error = new Error(`the proxy ${proxy.host} ${what}`, cause === undefined ? {} : { cause });
  return Object.assign(error, { code: 'ETUNNEL' });
}
