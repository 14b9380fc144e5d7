/** A controller's metrics page for tests: counters that rise at every read, over HTTP or HTTPS, with or without a token. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';

export interface ExporterOptions {
  /** Value of the `controller` label. */
  controller: string;
  host?: string;
  /** Certificate and key (PEM files); HTTPS then. */
  tls?: { certFile: string; keyFile: string };
  /** Only readers with this token are let in. */
  token?: string;
}

export interface Exporter {
  port: number;
  /** `Authorization` of each request, in order; undefined where there was none. */
  authorizations: (string | undefined)[];
  /** Reconciles so far; a test may set it. */
  reconciles: number;
  close(): Promise<void>;
}

export async function startExporter(options: ExporterOptions): Promise<Exporter> {
  const { controller, host = '127.0.0.1', tls, token } = options;
  const answer: http.RequestListener = (request, response) => {
    exporter.authorizations.push(request.headers.authorization);
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      response.writeHead(401).end();
      return;
    }
    exporter.reconciles += 5;
    const labels = `controller="${controller}"`;
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' });
    response.end(
      [
        `controller_runtime_reconcile_total{${labels},result="success"} ${exporter.reconciles}`,
        `controller_runtime_reconcile_total{${labels},result="error"} 0`,
        `workqueue_depth{name="${controller}",${labels},priority="0"} 1`,
        'go_goroutines 12',
        '',
      ].join('\n'),
    );
  };
  const server =
    tls === undefined
      ? http.createServer(answer)
      : https.createServer({ cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) }, answer);
  const exporter: Exporter = {
    port: 0,
    authorizations: [],
    reconciles: 0,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  server.listen(0, host);
  await once(server, 'listening');
  exporter.port = (server.address() as AddressInfo).port;
  return exporter;
}

/** A certificate for a name, signed by itself, made with openssl. */
export function makeCertificate(folder: string, name: string): { certFile: string; keyFile: string } {
  const [certFile, keyFile] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-days', '1'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile];
  execFileSync('openssl', ['req', '-x509', ...key, '-out', certFile, ...subject], { stdio: 'ignore' });
  return { certFile, keyFile };
}

/** This machine's address beyond loopback: Kubernetes takes no loopback address for an endpoint. Packets to it stay on the machine. */
export function ownAddress(): string {
  const found = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal);
  if (found === undefined) throw new Error('this machine has no IPv4 address beyond loopback');
  return found.address;
}
