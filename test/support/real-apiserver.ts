/**
 * A kube-apiserver with its etcd, started for a test file and gone with it: RBAC on, real TLS, a handful of users, everything in one
 * temporary folder. Ready in one to four seconds, about 300 MB resident.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '../../scripts/go-build.ts';
import { type ApiServerBinary, ensureApiServer } from '../../scripts/real-parts.ts';
import { realPart } from './skip-real.ts';

const FOLDER_PREFIX = 'crowsnest-kube-';
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 5_000;
const POLL_MS = 50;
const LOG_BYTES_MAX = 1_000_000;
const START_ATTEMPTS = 3;

/** Runs a program and ends with it; kills it when standard input ends, which is also what happens when this shell or the test is killed. */
const GUARD = `exec 3<&0
"$@" 3<&- </dev/null & child=$!
trap 'kill -TERM $child' TERM
(cat <&3; kill -KILL $child) >/dev/null 2>&1 &
exec 3<&-
wait $child; code=$?
while kill -0 $child 2>/dev/null; do wait $child; code=$?; done
exit $code`;

/** Who a token stands for. `crowsnest` is the service account that deploy/ makes, so that its roles there are the ones it has here. */
const USERS: Record<string, { name: string; groups: string[] }> = {
  admin: { name: 'admin', groups: ['system:masters'] },
  crowsnest: {
    name: 'system:serviceaccount:crowsnest:crowsnest',
    groups: ['system:serviceaccounts', 'system:serviceaccounts:crowsnest'],
  },
  alice: { name: 'alice', groups: ['developers'] },
  bob: { name: 'bob', groups: ['developers'] },
  flux: { name: 'system:serviceaccount:flux-system:kustomize-controller', groups: ['system:serviceaccounts'] },
  nobody: { name: 'nobody', groups: [] },
};

export interface RealApiServerOptions {
  /** Further flags of kube-apiserver, such as --audit-policy-file=… */
  args?: string[];
  /** Further users: key → the name and groups that its token stands for. */
  users?: Record<string, { name: string; groups: string[] }>;
  /** Also start a kube-controller-manager: role aggregation, garbage collection and namespace deletion need it. Our own build only. */
  controllerManager?: boolean;
}

export interface RealApiServer {
  /** https://127.0.0.1:PORT, the same after a restart. */
  url: string;
  /** PEM file of the authority that signed the server's certificate. */
  caFile: string;
  /** Folder for a test's own files; removed by `stop`. */
  folder: string;
  adminKubeconfig: string;
  /** Path of a kubeconfig for one of the users: admin, crowsnest, alice, bob, flux, nobody or one of the options'. */
  kubeconfig(user: string): string;
  token(user: string): string;
  /** Runs kubectl as admin, or as `user`; resolves with its standard output, rejects with what it said on failing. */
  kubectl(args: string[], input?: string, user?: string): Promise<string>;
  /** The same with both outputs and the exit code, for tests of warnings and refusals. Does not reject on a code other than 0. */
  kubectlAll(args: string[], input?: string, user?: string): Promise<{ code: number; stdout: string; stderr: string }>;
  /** The last of what the servers logged. */
  log(): string;
  /** http://127.0.0.1:PORT of etcd, which asks nobody who they are. */
  etcdUrl: string;
  /** Where etcd keeps its data: to be copied or replaced only while the servers are down (see `restart`). */
  etcdFolder: string;
  /**
   * Kills the server as a crash would and starts it again on the same data and port. Watches from before it answer 410. `meanwhile` runs
   * while everything is down.
   */
  restart(meanwhile?: () => Promise<void> | void): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the server, having built it where that is needed. Rejects with the log's errors when it does not become ready. */
export async function startApiServer(options: RealApiServerOptions = {}): Promise<RealApiServer> {
  const binary = await ensureApiServer((line) => process.stderr.write(`# kube-apiserver: ${line}\n`));
  if (options.controllerManager === true && binary.form !== 'kubeparts') {
    throw new Error('the kube-controller-manager comes with our own build only; unset KUBEBUILDER_ASSETS');
  }
  removeLeftFolders();
  const server = new ApiServerProcess(binary, options);
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    url: server.url,
    caFile: server.caFile,
    folder: server.folder,
    adminKubeconfig: server.kubeconfig('admin'),
    kubeconfig: (user) => server.kubeconfig(user),
    token: (user) => server.token(user),
    kubectl: async (args, input, user) => {
      const { code, stdout, stderr } = await server.kubectl(args, input, user);
      if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with code ${code}: ${stderr.trim() || stdout.trim()}`);
      return stdout;
    },
    kubectlAll: (args, input, user) => server.kubectl(args, input, user),
    log: () => server.log,
    etcdUrl: server.etcdUrl,
    etcdFolder: join(server.folder, 'etcd'),
    restart: (meanwhile) => server.restart(meanwhile),
    stop: () => server.stop(),
  };
}

class ApiServerProcess {
  readonly folder: string;
  readonly caFile: string;
  url = '';
  log = '';
  readonly #binary: ApiServerBinary;
  readonly #options: RealApiServerOptions;
  readonly #users: Record<string, { name: string; groups: string[] }>;
  #port = 0;
  #etcdPort = 0;
  #children: ChildProcess[] = [];
  readonly #killAll: () => void;

  constructor(binary: ApiServerBinary, options: RealApiServerOptions) {
    this.#binary = binary;
    this.#options = options;
    this.#users = { ...USERS, ...options.users };
    this.folder = mkdtempSync(join(tmpdir(), `${FOLDER_PREFIX}${process.pid}-`));
    // The server puts the authority after its own certificate in this file.
    this.caFile = join(this.folder, 'certs', 'apiserver.crt');
    this.#killAll = () => {
      for (const child of this.#children) child.kill('SIGKILL');
      rmSync(this.folder, { recursive: true, force: true });
    };
    process.once('exit', this.#killAll);
    this.#writeCredentials();
  }

  async start(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      this.#port = await freePort();
      this.#etcdPort = await freePort();
      this.url = `https://127.0.0.1:${this.#port}`;
      try {
        await this.#startServers();
        break;
      } catch (error) {
        await this.#stopServers('SIGKILL');
        // Another process may have taken the port between our asking for it and the server's.
        if (attempt === START_ATTEMPTS || !this.log.includes('address already in use')) throw error;
      }
    }
  }

  get etcdUrl(): string {
    return `http://127.0.0.1:${this.#etcdPort}`;
  }

  async restart(meanwhile: () => Promise<void> | void = () => {}): Promise<void> {
    await this.#stopServers('SIGKILL');
    await meanwhile();
    await this.#startServers();
  }

  async stop(): Promise<void> {
    await this.#stopServers('SIGTERM');
    process.off('exit', this.#killAll);
    rmSync(this.folder, { recursive: true, force: true });
  }

  token(user: string): string {
    if (!Object.hasOwn(this.#users, user)) throw new Error(`no user ${user}; there are ${Object.keys(this.#users).join(', ')}`);
    return `${user}-token`;
  }

  kubeconfig(user: string): string {
    const path = join(this.folder, `${user}.kubeconfig`);
    const ca = readFileSync(this.caFile).toString('base64');
    // JSON is YAML, and both kubectl and the clients read it.
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'real', cluster: { server: this.url, 'certificate-authority-data': ca } }],
      users: [{ name: user, user: { token: this.token(user) } }],
      contexts: [{ name: 'real', context: { cluster: 'real', user, namespace: 'default' } }],
      'current-context': 'real',
    };
    writeFileSync(path, JSON.stringify(config, null, 2), { mode: 0o600 });
    return path;
  }

  kubectl(args: string[], input = '', user = 'admin'): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise((resolve, reject) => {
      const child = spawn(realPart('kubectl'), ['--kubeconfig', this.kubeconfig(user), ...args], {
        stdio: ['pipe', 'pipe', 'pipe'],
        // A home of its own keeps kubectl from reading the user's settings and from caching discovery of a server that is gone tomorrow.
        env: { PATH: process.env.PATH, HOME: this.folder },
      });
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
      child.stdin.on('error', () => undefined); // kubectl may end before it has read everything
      child.on('error', reject);
      child.on('close', (code) =>
        resolve({ code: code ?? -1, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
      );
      child.stdin.end(input);
    });
  }

  async #startServers(): Promise<void> {
    if (this.#binary.form === 'separate') {
      const peer = await freePort();
      const etcd = this.etcdUrl;
      const data = ['--data-dir', join(this.folder, 'etcd'), '--unsafe-no-fsync'];
      const urls = ['--listen-client-urls', etcd, '--advertise-client-urls', etcd];
      this.#spawnGuarded(this.#binary.etcd, [...data, ...urls, '--listen-peer-urls', `http://127.0.0.1:${peer}`]);
      this.#spawnGuarded(this.#binary.apiserver, [...this.#serverArgs(), `--etcd-servers=${etcd}`]);
      await this.#ready();
      return;
    }
    const etcd = ['--data-dir', this.folder, '--etcd-port', String(this.#etcdPort)];
    this.#spawn(this.#binary.path, ['apiserver', ...etcd, '--stop-with-stdin', '--', ...this.#serverArgs()]);
    await this.#ready();
    if (this.#options.controllerManager === true) this.#startControllerManager(this.#binary.path);
  }

  /** It ends when the server does not answer while it starts, or later for long; on a cluster the kubelet would start it again. */
  #startControllerManager(program: string, starts = 1): void {
    const args = [
      `--kubeconfig=${this.kubeconfig('admin')}`,
      `--service-account-private-key-file=${join(this.folder, 'sa.key')}`,
      '--leader-elect=false',
      '--secure-port=0',
    ];
    const child = this.#spawn(program, ['controller-manager', '--stop-with-stdin', '--', ...args]);
    child.once('exit', (code) => {
      const place = this.#children.indexOf(child);
      // Not of this run any more: the servers are being stopped.
      if (place < 0 || starts === START_ATTEMPTS) return;
      this.#children.splice(place, 1);
      this.log += `kubeparts: the controller manager ended with ${code} and is started again\n`;
      this.#startControllerManager(program, starts + 1);
    });
  }

  #serverArgs(): string[] {
    const key = join(this.folder, 'sa.key');
    return [
      `--cert-dir=${join(this.folder, 'certs')}`,
      `--secure-port=${this.#port}`,
      '--bind-address=127.0.0.1',
      '--service-cluster-ip-range=10.0.0.0/24',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${key}`,
      `--service-account-signing-key-file=${key}`,
      `--token-auth-file=${join(this.folder, 'tokens.csv')}`,
      '--authorization-mode=RBAC',
      // Pods would otherwise wait for a token controller; nothing here runs them.
      '--disable-admission-plugins=ServiceAccount',
      ...(this.#options.args ?? []),
    ];
  }

  /** For programs that do not watch their standard input themselves. */
  #spawnGuarded(program: string, args: string[]): void {
    this.#spawn('/bin/sh', ['-c', GUARD, 'guard', program, ...args]);
  }

  #spawn(program: string, args: string[]): ChildProcess {
    // Standard input stays open and ends with this process however that dies; kubeparts takes that as its signal.
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const keep = (chunk: Buffer) => {
      this.log = (this.log + chunk.toString()).slice(-LOG_BYTES_MAX);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.stdin?.on('error', () => undefined);
    child.on('error', (error) => keep(Buffer.from(`${program}: ${error.message}\n`)));
    this.#children.push(child);
    return child;
  }

  /** Waits for /readyz, and for the namespace `default`, which a server makes shortly after it calls itself ready. */
  async #ready(): Promise<void> {
    const deadlineMs = Date.now() + READY_TIMEOUT_MS;
    for (const path of ['/readyz', '/api/v1/namespaces/default']) {
      while ((await this.#status(path)) !== 200) {
        const dead = this.#children.some((child) => child.exitCode !== null || child.signalCode !== null);
        if (dead) throw new Error(`the server ended while starting:\n${this.#complaints()}`);
        if (Date.now() > deadlineMs) {
          throw new Error(`the server was not ready (${path}) after ${READY_TIMEOUT_MS / 1000} s:\n${this.#complaints()}`);
        }
        await delay(POLL_MS);
      }
    }
  }

  #status(path: string): Promise<number | undefined> {
    return new Promise((resolve) => {
      let ca: Buffer;
      try {
        ca = readFileSync(this.caFile);
      } catch {
        resolve(undefined); // not written yet
        return;
      }
      const headers = { authorization: `Bearer ${this.token('admin')}` };
      const request = get(`${this.url}${path}`, { ca, headers, agent: false, timeout: 2_000 }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.on('timeout', () => request.destroy());
      request.on('error', () => resolve(undefined));
    });
  }

  /** Lines of the log that tell of an error, else its end: a whole log is thousands of lines of flags. */
  #complaints(): string {
    const lines = this.log.trim().split('\n');
    const errors = lines.filter((line) => /^[EF]\d{4} |"level":"(error|fatal|panic)"|^Error:|^kubeparts:|^panic:/.test(line));
    return (errors.length > 0 ? errors : lines).slice(-15).join('\n');
  }

  async #stopServers(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    // Clients first: a controller manager that loses its server would only complain.
    const children = this.#children.reverse();
    this.#children = [];
    for (const child of children) {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
      child.kill(signal);
      const hammer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await ended;
      clearTimeout(hammer);
    }
  }

  #writeCredentials(): void {
    mkdirSync(join(this.folder, 'certs'));
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(join(this.folder, 'sa.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const lines = Object.entries(this.#users).map(
      ([key, { name, groups }]) => `${key}-token,${name},${key}${groups.length > 0 ? `,"${groups.join(',')}"` : ''}\n`,
    );
    writeFileSync(join(this.folder, 'tokens.csv'), lines.join(''), { mode: 0o600 });
  }
}

/** A port of the loopback address that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

/** Folders of test processes that were killed before they could tidy up. */
function removeLeftFolders(): void {
  for (const entry of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${FOLDER_PREFIX}(\\d+)-`).exec(entry)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(tmpdir(), entry), { recursive: true, force: true });
  }
}
