/**
 * How to prove who we are, at each request. What client-node makes of the kubeconfig is asked of a short-lived process (ask-credentials.ts)
 * and kept here; a token file is read here again every few seconds. Asked again when a file it was read from changes, when it expires, and
 * when the API server refuses it. An answer that cannot be had takes nothing away that still works.
 */
import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import type { Clock } from '../domain/clock.ts';
import { CrowsnestError, isCrowsnestError } from '../domain/errors.ts';
import { systemClock } from '../telemetry/system-clock.ts';
import { askAllCredentials, askCredentials } from './ask-credentials.ts';
import type { ConnectOptions } from './connect-options.ts';
import type { CredentialMaterial, CredentialsAnswer } from './credentials-exchange.ts';

export interface Credentials {
  cluster: string;
  server: URL;
  /** Through which it is reached. */
  proxy?: URL | undefined;
  /** Headers and TLS members for one request, as they are now. Throws CLUSTER_UNAUTHORIZED when they cannot be had. */
  apply(): Promise<RequestOptions>;
  /** The API server answered 401 to what `apply` gave. */
  refused?(): void;
}

/** How long a token that was read from its file, and the knowledge that no file has changed, are good for. */
const FRESH_MS = 3_000;
/** So long before its end a credential is replaced. */
const EARLY_MS = 10_000;
/** Between two questions that bring nothing new: from this to that, doubling. */
const PAUSE_MS_MIN = 5_000;
const PAUSE_MS_MAX = 300_000;

export interface CredentialsWorld {
  clock: Clock;
  ask: typeof askCredentials;
}

/** Reads the configuration. Throws KUBECONFIG_INVALID. */
export async function loadCredentials(
  options: ConnectOptions,
  world: CredentialsWorld = { clock: systemClock, ask: askCredentials },
): Promise<Credentials> {
  return new KeptCredentials(options, await world.ask({ options }), world);
}

/** Reads the configuration of several clusters at once. Throws KUBECONFIG_INVALID. */
export async function loadAllCredentials(clusters: readonly ConnectOptions[]): Promise<Credentials[]> {
  const world = { clock: systemClock, ask: askCredentials };
  const answers = await askAllCredentials(clusters.map((options) => ({ options })));
  return answers.map((answer, i) => new KeptCredentials(clusters[i] as ConnectOptions, answer, world));
}

class KeptCredentials implements Credentials {
  readonly cluster: string;
  readonly server: URL;
  readonly proxy: URL | undefined;
  readonly #proxyUrl: string | undefined;
  readonly #options: ConnectOptions;
  readonly #world: CredentialsWorld;
  readonly #files: string[];
  #material: CredentialMaterial | undefined;
  #failure: CrowsnestError | undefined;
  #fingerprint: Promise<string>;
  #checkedMs: number;
  #refused = false;
  #edited = false;
  #askedMs: number;
  #pauseMs = PAUSE_MS_MIN;
  #asking: Promise<void> | undefined;
  #token: { text: string; readMs: number } | undefined;

  constructor(options: ConnectOptions, answer: CredentialsAnswer, world: CredentialsWorld) {
    const { place } = answer;
    this.cluster = place.cluster;
    this.server = new URL(place.server);
    this.#proxyUrl = place.proxyUrl;
    this.proxy = place.proxyUrl === undefined ? undefined : new URL(place.proxyUrl);
    // Whoever changes the file's current context means kubectl, not a service that is running.
    this.#options = { ...options, context: place.context };
    this.#world = world;
    this.#files = place.files;
    this.#material = answer.material;
    this.#failure = answer.failure === undefined ? undefined : errorOf(answer.failure);
    this.#fingerprint = fingerprintOf(place.files);
    this.#askedMs = this.#checkedMs = world.clock.nowMs();
  }

  async apply(): Promise<RequestOptions> {
    if (await this.#isDue()) {
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = undefined;
      });
      await this.#asking;
    }
    const material = this.#material;
    if (material === undefined) {
      assert(this.#failure !== undefined, 'no credentials and no reason why');
      throw this.#failure;
    }
    const headers = { ...material.headers };
    if (material.tokenFile !== undefined) headers.Authorization = `Bearer ${await this.#tokenOf(material.tokenFile)}`;
    return { ...material.tls, headers };
  }

  refused(): void {
    // A token file is whoever rotates it to renew; reading it again is all that can be done here.
    if (this.#token !== undefined) this.#token = undefined;
    else this.#refused = true;
  }

  async #isDue(): Promise<boolean> {
    const nowMs = this.#world.clock.nowMs();
    if (this.#asking !== undefined) return this.#material === undefined || this.#expired(nowMs);
    if (await this.#filesChanged(nowMs)) return true;
    const wanted = this.#material === undefined || this.#refused || this.#expired(nowMs);
    // A wall clock that was set back must not make this wait longer than the pause.
    return wanted && Math.abs(nowMs - this.#askedMs) >= this.#pauseMs;
  }

  #expired(nowMs: number): boolean {
    return nowMs >= (this.#material?.expiresMs ?? Number.POSITIVE_INFINITY) - EARLY_MS;
  }

  async #filesChanged(nowMs: number): Promise<boolean> {
    if (Math.abs(nowMs - this.#checkedMs) < FRESH_MS) return false;
    this.#checkedMs = nowMs;
    const known = this.#fingerprint;
    this.#fingerprint = fingerprintOf(this.#files);
    this.#edited ||= (await known) !== (await this.#fingerprint);
    return this.#edited;
  }

  async #ask(): Promise<void> {
    const { ask, clock } = this.#world;
    const before = this.#material;
    // What somebody has written since, such as another login, is newer than what was kept in memory.
    const carried = this.#edited ? undefined : before?.carried;
    this.#edited = false;
    try {
      const { place, material, failure } = await ask({ options: this.#options, carried });
      if (place.server !== this.server.href) throw movedAway(place.context, `another server than ${this.server.host}`);
      if (place.proxyUrl !== this.#proxyUrl) throw movedAway(place.context, `another proxy than ${this.proxy?.host ?? 'none'}`);
      if (failure !== undefined) throw errorOf(failure);
      this.#material = material;
      this.#failure = undefined;
      this.#refused = false;
    } catch (error) {
      if (!isCrowsnestError(error)) throw error;
      this.#failure = error;
      // Until its very end an old credential is better than none.
      if (this.#expired(clock.nowMs() - EARLY_MS)) this.#material = undefined;
    }
    this.#askedMs = clock.nowMs();
    this.#pauseMs = sameSecrets(before, this.#material) ? Math.min(this.#pauseMs * 2, PAUSE_MS_MAX) : PAUSE_MS_MIN;
  }

  async #tokenOf(file: string): Promise<string> {
    const nowMs = this.#world.clock.nowMs();
    if (this.#token !== undefined && Math.abs(nowMs - this.#token.readMs) < FRESH_MS) return this.#token.text;
    let text: string;
    try {
      text = (await readFile(file, 'utf8')).trim();
      if (text === '') throw new Error(`${file} is empty`);
    } catch (error) {
      const what = `the credentials for the cluster cannot be had: ${error instanceof Error ? error.message : String(error)}`;
      const todo = 'Check the token file of the kubeconfig user.';
      throw new CrowsnestError({ code: 'CLUSTER_UNAUTHORIZED', what, where: this.server.host, todo, cause: error });
    }
    this.#token = { text, readMs: nowMs };
    return text;
  }
}

function sameSecrets(a: CredentialMaterial | undefined, b: CredentialMaterial | undefined): boolean {
  return JSON.stringify([a?.headers, a?.tls, a?.tokenFile]) === JSON.stringify([b?.headers, b?.tls, b?.tokenFile]);
}

/** Changes whenever one of the files does: written to, replaced, or the link to it turned. A file that is missing is a state too. */
async function fingerprintOf(files: readonly string[]): Promise<string> {
  const seen = files.map(async (file) => {
    try {
      const { ino, size, mtimeMs } = await stat(file);
      return `${ino} ${size} ${mtimeMs}`;
    } catch {
      return 'missing';
    }
  });
  return (await Promise.all(seen)).join('\n');
}

function movedAway(context: string, other: string): CrowsnestError {
  return new CrowsnestError({
    code: 'KUBECONFIG_INVALID',
    what: `context "${context}" now names ${other}`,
    todo: 'Restart to go by that one; until then the old credentials are used as long as they are good.',
  });
}

function errorOf({
  code,
  what,
  where,
  todo,
}: {
  code: CrowsnestError['code'];
  what: string;
  where?: string | undefined;
  todo?: string | undefined;
}): CrowsnestError {
  return new CrowsnestError({ code, what, ...(where === undefined ? {} : { where }), ...(todo === undefined ? {} : { todo }) });
}
