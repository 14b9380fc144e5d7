/**
 * The thread in which reviews are answered, so that nothing the rest of the program does makes a write to the cluster wait. It knows no
 * store and no cluster; what it sees goes into a queue with a bound, and what finds no place there is counted and dropped.
 */
import type { AddressInfo } from 'node:net';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../telemetry/system-clock.ts';
import { createAdmissionServer } from './admission-server.ts';
import { AdmissionShared } from './admission-shared.ts';

export interface AdmissionThreadData {
  cluster: string;
  host: string;
  port: number;
  path: string;
  tls: { key: string; cert: string };
  shared: SharedArrayBuffer;
  claims: MessagePort;
  queueMax: number;
  /** For tests of the bounds. */
  limits?: { bodyBytesMax?: number; bytesInFlightMax?: number; requestTimeoutMs?: number; windowMs?: number };
}

/** To the thread: a new certificate, or to end. */
export type AdmissionOrder = { type: 'certificate'; tls: { key: string; cert: string } } | { type: 'stop' };
/** From the thread. */
export type AdmissionNotice = { type: 'listening'; port: number } | { type: 'failed'; message: string };

if (parentPort !== null) run(parentPort, workerData as AdmissionThreadData);

function run(main: MessagePort, data: AdmissionThreadData): void {
  const shared = new AdmissionShared(data.shared);
  const server = createAdmissionServer({
    ...data.limits,
    ...{ cluster: data.cluster, path: data.path, tls: data.tls, shared, clock: systemClock },
    post(claim) {
      if (shared.queued() >= data.queueMax) return false;
      shared.posted();
      data.claims.postMessage(claim);
      return true;
    },
  });
  const tell = (notice: AdmissionNotice) => main.postMessage(notice);
  server.on('error', (error) => tell({ type: 'failed', message: error.message }));
  server.listen(data.port, data.host, () => tell({ type: 'listening', port: (server.address() as AddressInfo).port }));
  main.on('message', (order: AdmissionOrder) => {
    if (order.type === 'certificate') server.setSecureContext(order.tls);
    else {
      server.close();
      server.closeAllConnections();
      data.claims.close();
      main.close();
    }
  });
}
