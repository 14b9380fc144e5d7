import cliProgress from 'cli-progress';
import type { Terminal } from './terminal.ts';

/** Progress of long work: a bar on a terminal, otherwise a line at each tenth of the way. */
export interface Progress {
  update(done: number, total: number): void;
  stop(): void;
}

export function createProgress(terminal: Terminal, label: string, unit: string): Progress {
  return terminal.isInteractive ? bar(label, unit) : lines(terminal, label, unit);
}

function bar(label: string, unit: string): Progress {
  const shown = new cliProgress.SingleBar(
    { format: `${label} [{bar}] {percentage}% {value}/{total} ${unit}, {eta}s left`, hideCursor: true, stream: process.stderr },
    cliProgress.Presets.shades_classic,
  );
  let started = false;
  return {
    update(done, total) {
      if (!started) shown.start(total, 0);
      started = true;
      shown.setTotal(total);
      shown.update(done);
    },
    stop() {
      if (started) shown.stop();
    },
  };
}

function lines(terminal: Terminal, label: string, unit: string): Progress {
  let tenth = 0;
  return {
    update(done, total) {
      const now = total === 0 ? 10 : Math.floor((10 * done) / total);
      if (now <= tenth) return;
      tenth = now;
      terminal.note(`${label}: ${now * 10}% (${done} of ${total} ${unit})\n`);
    },
    stop() {},
  };
}
