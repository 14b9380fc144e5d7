/** A real nats-server with JetStream on loopback, which can be killed and started again on the same port and files. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { realPart } from './skip-real.ts';
import { until } from './until.ts';

export interface RealNats {
  url: string;
  /** Starts it, again after a kill; resolves once it takes connections. */
  start(): Promise<void>;
  kill9(): Promise<void>;
  connection(): Promise<NatsConnection>;
  /** Stops it and removes its files. */
  stop(): Promise<void>;
}

/** `config` goes into the server's configuration file. */
export async function startNats(config = ''): Promise<RealNats> {
  const folder = mkdtempSync(join(tmpdir(), 'nats-'));
  const port = await freePort();
  writeFileSync(
    join(folder, 'nats.conf'),
    `host: 127.0.0.1\nport: ${port}\njetstream { store_dir: ${JSON.stringify(folder)} }\n${config}\n`,
  );
  const url = `nats://127.0.0.1:${port}`;
  let server: ChildProcess | undefined;
  let log = '';
  const end = async (signal: NodeJS.Signals) => {
    const ending = server;
    server = undefined;
    if (ending === undefined || ending.exitCode !== null) return;
    const ended = once(ending, 'exit');
    ending.kill(signal);
    await ended;
  };
  const nats: RealNats = {
    url,
    async start() {
      log = '';
      const starting = spawn(realPart('nats-server'), ['-c', join(folder, 'nats.conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
      server = starting;
      starting.stderr?.setEncoding('utf8').on('data', (text: string) => {
        log += text;
      });
      await until('nats-server is ready', () => {
        if (starting.exitCode !== null) throw new Error(`nats-server ended with ${starting.exitCode}:\n${log}`);
        return log.includes('Server is ready');
      });
    },
    kill9: () => end('SIGKILL'),
    connection: () => connect({ servers: url, reconnect: false }),
    async stop() {
      await end('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await nats.start();
  return nats;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
