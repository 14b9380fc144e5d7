import type { Agent, Dispatcher } from 'undici';
import type { TargetTls } from './scrape-target.ts';

/** One connection pool for each way of checking certificates, as many as there are ways in use. */
export class ScrapeAgents {
  readonly #agents = new Map<string, Promise<Agent>>();

  /** The HTTP client is loaded when there is something to scrape. */
  for(tls: TargetTls | undefined): Promise<Dispatcher> {
    const key = JSON.stringify([tls?.ca, tls?.serverName, tls?.insecure]);
    let agent = this.#agents.get(key);
    if (agent === undefined) {
      const { ca, serverName, insecure } = tls ?? {};
      const connect = {
        ...(ca === undefined ? {} : { ca }),
        ...(serverName === undefined ? {} : { servername: serverName }),
        ...(insecure === true ? { rejectUnauthorized: false } : {}),
      };
      agent = import('undici').then(({ Agent }) => new Agent({ connect, connections: 1 }));
      this.#agents.set(key, agent);
    }
    return agent;
  }

  /** Closes pools whose way is in use no more. */
  async keepOnly(inUse: (TargetTls | undefined)[]): Promise<void> {
    const keys = new Set(inUse.map((tls) => JSON.stringify([tls?.ca, tls?.serverName, tls?.insecure])));
    const ended = [...this.#agents].filter(([key]) => !keys.has(key));
    for (const [key] of ended) this.#agents.delete(key);
    await Promise.all(ended.map(async ([, agent]) => (await agent).destroy()));
  }

  async close(): Promise<void> {
    await this.keepOnly([]);
    await Promise.all([...this.#agents.values()].map(async (agent) => (await agent).destroy()));
    this.#agents.clear();
  }
}
