/** Writes to an API server from a process of its own: `node patch-load.ts`, told what to do by a message, tells when it is done. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';

export interface PatchLoad {
  url: string;
  caFile: string;
  token: string;
  /** Paths of objects, each written in turn by one of so many at once. */
  paths: string[];
  /** Until so many writes are made. */
  writes: number;
  /** Between one write of an object and the next. */
  pauseMs: number;
}

export interface PatchResult {
  done: number;
  failed: number;
  /** Of one write, as this client sees it. */
  p50Ms: number;
  p99Ms: number;
}

if (process.send !== undefined) {
  process.on('message', (load: PatchLoad) => {
    run(load).then((result) => process.send?.(result));
  });
  process.send({ ready: true });
}

async function run({ url, caFile, token, paths, writes, pauseMs }: PatchLoad): Promise<PatchResult> {
  const agent = new Agent({ keepAlive: true, ca: readFileSync(caFile) });
  const took: number[] = [];
  let failed = 0;
  let next = 0;
  const writer = async (path: string) => {
    while (next < writes) {
      const round = next++;
      const startMs = performance.now();
      const ok = await patch(`${url}${path}`, { spec: { round } }, token, agent);
      if (ok) took.push(performance.now() - startMs);
      else failed += 1;
      await delay(pauseMs);
    }
  };
  await Promise.all(paths.map(writer));
  agent.destroy();
  took.sort((a, b) => a - b);
  const at = (share: number) => took[Math.ceil(took.length * share) - 1] ?? Number.NaN;
  return { done: took.length, failed, p50Ms: at(0.5), p99Ms: at(0.99) };
}

function patch(url: string, body: object, token: string, agent: Agent): Promise<boolean> {
  return new Promise((resolve) => {
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/merge-patch+json',
      'user-agent': 'patch-load/1',
    };
    const asking = request(url, { method: 'PATCH', agent, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode === 200));
    });
    asking.on('error', () => resolve(false));
    asking.end(JSON.stringify(body));
  });
}
