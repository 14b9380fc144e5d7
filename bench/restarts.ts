/** Whether a stream gives the same findings judged in one go and over fifty restarts, half of them kills that lose what was learnt last. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Finding } from '../src/domain/finding.ts';
import { live } from '../test/support/judged-record.ts';

const RESTARTS = 50;

export interface RestartsResult {
  changes: number;
  findings: number;
  restarts: number;
  identical: boolean;
}

export async function measureRestarts(stream: string): Promise<RestartsResult> {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-restarts-'));
  try {
    const [recorded, once, often] = ['recorded', 'once', 'often'].map((name) => join(folder, `${name}.db`)) as [
      string,
      string,
      string,
    ];
    const main = fileURLToPath(new URL('../src/crowsnest.js', import.meta.url));
    execFileSync(process.execPath, [main, 'replay', stream, '--once', '--model', 'off', '--db', recorded], { stdio: 'ignore' });
    copyFileSync(recorded, once);
    copyFileSync(recorded, often);
    const undisturbed: Finding[] = [];
    let life = live(once, undisturbed);
    const { changes } = life.store.counts();
    life.analysis.catchUp();
    life.end();

    const seen: Finding[] = [];
    life = live(often, seen);
    let restarts = 0;
    while (life.analysis.behind() !== undefined) {
      life.analysis.step(Math.ceil(changes / (RESTARTS + 1)));
      if (restarts >= RESTARTS) continue;
      restarts++;
      if (restarts % 2 === 1) life.analysis.saveSnapshot();
      life.end();
      life = live(often, seen);
      while (life.analysis.behind()?.phase === 'relearning') life.analysis.step();
    }
    life.end();
    return { changes, findings: seen.length, restarts, identical: JSON.stringify(seen) === JSON.stringify(undisturbed) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
