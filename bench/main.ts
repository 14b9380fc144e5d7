/** `npm run bench -- <what>`: each prints its result as the last line of stdout, as JSON. */
import { Command } from 'commander';
import { measureAlertLatency } from './alert-latency.ts';
import { demoOverSeeds } from './demo-seeds.ts';
import { killNine } from './kill-nine.ts';

const program = new Command('bench').description('Benches on real parts; results that are kept go to bench/results.');

program
  .command('alert-latency')
  .description('from a wrong change at a real kube-apiserver to a firing alert at a real Alertmanager')
  .option('--changes <N>', 'wrong changes', '200')
  .option('--gap <MS>', 'milliseconds between them', '100')
  .action(async ({ changes, gap }: { changes: string; gap: string }) =>
    print(await measureAlertLatency({ changes: Number(changes), gapMs: Number(gap) })),
  );

program
  .command('kill-nine')
  .description('SIGKILL under load: is every resourceVersion recorded, once?')
  .option('--kills <N>', 'times the service is killed', '20')
  .option('--rate <N>', 'changes per second', '100')
  .option('--seed <N>', 'of the instants', '1')
  .action(async ({ kills, rate, seed }: { kills: string; rate: string; seed: string }) =>
    print(await killNine({ kills: Number(kills), changesPerSecond: Number(rate), seed: Number(seed) })),
  );

program
  .command('demo-seeds')
  .description('the demo over many seeds: found and false of each')
  .option('--from <N>', 'first seed', '1')
  .option('--to <N>', 'last seed', '20')
  .action(async ({ from, to }: { from: string; to: string }) =>
    print(await demoOverSeeds(Number(from), Number(to), (one) => process.stderr.write(`${JSON.stringify(one)}\n`))),
  );

function print(result: object): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

await program.parseAsync();
