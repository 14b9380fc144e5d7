/** `npm run bench -- <what>`: each prints its result as the last line of stdout, as JSON. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { measureAlertLatency } from './alert-latency.ts';
import { demoOverSeeds } from './demo-seeds.ts';
import { ingestText, measureIngest } from './ingest.ts';
import { killNine } from './kill-nine.ts';
import { type KillStartsOptions, killStartsText, measureKillStarts } from './kill-starts.ts';
import { killStore } from './kill-store.ts';
import { measureMasking } from './masking.ts';
import { forecastText, measureForecaster } from './neural/forecasts.ts';
import { measureNeural, neuralText } from './neural/judge.ts';
import { measureNeuralLoad, neuralLoadText } from './neural/load.ts';
import { measureBudget } from './quality/budget.ts';
import { type GitStreamOptions, streamOfGit } from './quality/gitops/git-stream.ts';
import { measureQuality, qualityText } from './quality/measure.ts';
import { measureModelMemory } from './quality/model-memory.ts';
import { measureNab } from './quality/nab.ts';
import { measureOutlooks } from './quality/outlooks.ts';
import { MAKERS } from './quality/planted/incidents.ts';
import { type PlantOptions, plant } from './quality/planted/plant.ts';
import { measureQuiet } from './quality/quiet-series.ts';
import { measureQueries, type QueriesOptions, queriesText } from './queries.ts';
import { measureSamples, samplesText } from './samples.ts';
import { measureStorage, storageText } from './storage.ts';

const program: Command = new Command('bench').description('Benches on real parts; results that are kept go to bench/results.');

program
  .command('alert-latency')
  .description('from a wrong change at a real kube-apiserver to a firing alert at a real Alertmanager')
  .option('--changes <N>', 'wrong changes', '200')
  .option('--gap <MS>', 'milliseconds between them', '100')
  .action(async ({ changes, gap }: { changes: string; gap: string }) =>
    print(await measureAlertLatency({ changes: Number(changes), gapMs: Number(gap) })),
  );

program
  .command('quality')
  .description(
    'recall on labelled streams of changes beside trivial detectors and chance; ablation, calibration on clean streams, cost',
  )
  .option('--data <DIR>', 'folder of <stream>.injected.jsonl.zst, .jsonl.zst, .incidents.json and .silences.json')
  .option('--no-ablation', 'leave out the runs without one detector each')
  .option('--json', 'only the JSON, no text')
  .argument('<stream...>', 'names of streams, e.g. ops-a ops-c')
  .action(async (streams: string[], given: { data?: string; ablation: boolean; json?: boolean }) => {
    if (given.data === undefined)
      program.error('no folder of streams was given; name it: npm run bench -- quality --data DIR STREAM');
    const note = (text: string) => void process.stderr.write(`${text}\n`);
    const result = await measureQuality({ data: given.data, streams, ablation: given.ablation, note }).catch((error: Error) =>
      program.error(`the bench came to nothing: ${error.message}`),
    );
    if (given.json !== true) process.stdout.write(qualityText(result));
    print(result);
  });

program
  .command('neural')
  .description(
    'the network trained on the first part of labelled streams and judged on the rest, beside the ensemble and with it',
  )
  .option('--data <DIR>', 'folder of <stream>.injected.jsonl.zst, .incidents.json and .silences.json')
  .option('--backend <WORD>', 'auto, wasm or native', 'auto')
  .option('--json', 'only the JSON, no text')
  .argument('<stream...>', 'names of streams, e.g. ops-a ops-c')
  .action(async (streams: string[], given: { data?: string; backend: 'auto' | 'wasm' | 'native'; json?: boolean }) => {
    if (given.data === undefined)
      program.error('no folder of streams was given; name it: npm run bench -- neural --data DIR STREAM');
    const note = (text: string) => void process.stderr.write(`${text}\n`);
    const result = await measureNeural({ data: given.data, streams, backend: given.backend, note }).catch((error: Error) =>
      program.error(`the bench came to nothing: ${error.message}`),
    );
    if (given.json !== true) process.stdout.write(neuralText(result));
    print(result);
  });

program
  .command('neural-load')
  .description('how long a training takes, and what it costs whoever is recorded meanwhile')
  .requiredOption('--data <DIR>', 'folder of <stream>.jsonl.zst')
  .option('--changes <N>', 'changes to train on', positive, 100_000)
  .option('--rounds <N>', 'turns alone and training', positive, 3)
  .option('--backend <WORD>', 'auto, wasm or native', 'auto')
  .argument('<stream...>', 'names of streams, e.g. ops-a ops-c')
  .action(
    async (streams: string[], given: { data: string; changes: number; rounds: number; backend: 'auto' | 'wasm' | 'native' }) => {
      const note = (text: string) => void process.stderr.write(`${text}\n`);
      const result = await measureNeuralLoad({ ...given, streams, note }).catch((error: Error) =>
        program.error(`the bench came to nothing: ${error.message}`),
      );
      process.stdout.write(neuralLoadText(result));
      print(result);
    },
  );

program
  .command('forecasts')
  .description(
    'the forecaster of series beside closed forms, on series of five minutes: learnt from the first half, measured on the second',
  )
  .requiredOption('--data <DIR>', 'the Numenta Anomaly Benchmark: data/ and labels/')
  .action(async ({ data }: { data: string }) => {
    const result = await measureForecaster(data, (text) => process.stderr.write(`${text}\n`)).catch((error: Error) =>
      program.error(`the bench came to nothing: ${error.message}`),
    );
    process.stdout.write(forecastText(result));
    print(result);
  });

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
  .command('kill-store')
  .description('SIGKILL of the store under load, upgrade, retention, backup, vacuum and encryption: anything lost or damaged?')
  .option('--kills <N>', 'times a process is killed', positive, 200)
  .option('--seed <N>', 'of the instants', positive, 1)
  .action(async ({ kills, seed }: { kills: number; seed: number }) => {
    const result = await killStore({
      kills,
      seed,
      onKill: (done) => process.stderr.write(done % 10 === 0 ? `${done} kills\n` : ''),
    });
    print(result);
    if (result.lost + result.cursorsAhead + result.damaged > 0) process.exitCode = 1;
  });

program
  .command('kill-starts')
  .description('SIGKILL while changes come in, and a start after it: until the API answers, until it records, until it judges')
  .option('--kills <N>', 'times the service is killed', positive, 5)
  .option('--seed <N>', 'of the instants', positive, 1)
  .option('--server <URL>', 'a load server that serves custom resources and streams events; else one of our own')
  .option('--objects <N>', 'of our own server', positive, 2_000)
  .option('--rate <N>', 'changes a second of our own server', positive, 500)
  .option('--seconds <N>', 'before each kill, by the mean', positive, 10)
  .option('--db <FILE>', 'begun with it and left; by default one that goes afterwards')
  .option('--json', 'only the JSON, no text')
  .action(async ({ json, ...given }: KillStartsOptions & { json?: boolean }) => {
    const result = await measureKillStarts(given);
    if (json !== true) process.stdout.write(killStartsText(result));
    print(result);
  });

program
  .command('demo-seeds')
  .description('the demo over many seeds: found and false of each')
  .option('--from <N>', 'first seed', '1')
  .option('--to <N>', 'last seed', '20')
  .action(async ({ from, to }: { from: string; to: string }) =>
    print(await demoOverSeeds(Number(from), Number(to), (one) => process.stderr.write(`${JSON.stringify(one)}\n`))),
  );

program
  .command('ingest')
  .description('what an event costs from the watch to the disk, beside an informer that only caches; lost and duplicated events')
  .option(
    '--server <URL>',
    'a load server that serves custom resources and streams events; its GET /flood/stats says how many it sent',
  )
  .option('--yardstick-server <URL>', 'another such server for the yardstick; else both use --server')
  .option('--events <N>', 'how many events the server streams', positive, 200_000)
  .option('--no-model', 'record only: crowsnest serve --model off')
  .option('--json', 'only the JSON, no text')
  .action(async (given: { server?: string; yardstickServer?: string; events: number; model: boolean; json?: boolean }) => {
    if (given.server === undefined || !URL.canParse(given.server)) {
      const what = given.server === undefined ? 'no load server was given' : `${given.server} is not a URL`;
      program.error(`${what}; start one and name it: npm run bench -- ingest --server http://127.0.0.1:PORT --events N`);
    }
    const result = await measureIngest({ ...given, server: given.server }).catch((error: Error) =>
      program.error(`the bench came to nothing: ${error.message}`),
    );
    if (given.json !== true) process.stdout.write(ingestText(result));
    print(result);
    if (result.lost > 0 || result.duplicated > 0) process.exitCode = 1;
  });

program
  .command('masking')
  .description('how many texts of recorded streams are masked, and why; with --show every one of them, as it is')
  .argument('<stream...>', 'NDJSON, plain or zstd')
  .option('--show', 'print what is masked: only for streams that hold no secrets')
  .action((files: string[], { show }: { show?: boolean }) => {
    try {
      print(measureMasking(files, show === true ? (line) => process.stdout.write(`${line}\n`) : undefined));
    } catch (error) {
      program.error(`the bench came to nothing: ${(error as Error).message}`);
    }
  });

program
  .command('storage')
  .description('bytes on disk for each change, next to git with the same history; every revision is rebuilt and compared')
  .argument('<streams...>', 'recorded streams, or folders of them (*.jsonl.zst; those named *.injected.* are left out)')
  .option('--no-git', 'without git')
  .option('--keep <FOLDER>', 'leave the databases and repositories there')
  .option('--json', 'only the JSON, no text')
  .action(async (streams: string[], { json, ...given }: { git: boolean; keep?: string; json?: boolean }) => {
    const result = await measureStorage({ streams, ...given }).catch((error: Error) =>
      program.error(`the bench came to nothing: ${error.message}`),
    );
    if (json !== true) process.stdout.write(storageText(result));
    print(result);
    if (result.wrong > 0 || result.lost > 0) process.exitCode = 1;
  });

program
  .command('plant')
  .description(
    'labelled streams to choose constants by: seeded incidents planted in clean streams, for the quality bench to read',
  )
  .requiredOption('--data <DIR>', 'folder of <stream>.jsonl.zst')
  .requiredOption('--out <DIR>', 'folder for <stream>-<seed>.injected.jsonl.zst and its incidents')
  .option('--seeds <N>', 'streams made of each', positive, 6)
  .option('--first-seed <N>', 'of the first of them; later ones to confirm what was chosen on earlier ones', positive, 1)
  .option('--each <N>', 'incidents of each class in a stream', positive, 5)
  .addOption(
    new Option('--classes <CLASS...>', 'classes of incidents, all but privilege unless told').choices(Object.keys(MAKERS)),
  )
  .argument('<stream...>', 'names of streams')
  .action((streams: string[], given: Omit<PlantOptions, 'stream' | 'seed'> & { seeds: number; firstSeed: number }) => {
    const { seeds, firstSeed, ...rest } = given;
    const made = Array.from({ length: seeds }, (_, i) => firstSeed + i);
    print(streams.flatMap((stream) => made.map((seed) => plant({ ...rest, stream, seed }))));
  });

program
  .command('stream')
  .description('a clean stream of changes made of the history of a GitOps repository, for plant and quality')
  .requiredOption('--git <DIR>', 'a bare repository')
  .requiredOption('--out <FILE>', '<stream>.jsonl.zst')
  .action((given: GitStreamOptions) => {
    try {
      print(streamOfGit(given));
    } catch (error) {
      program.error(`the bench came to nothing: ${(error as Error).message}`);
    }
  });

program
  .command('restarts')
  .description('the findings of a recorded stream in one go against those over 50 restarts')
  .requiredOption('--stream <FILE>', 'a recorded change stream')
  .action(async ({ stream }: { stream: string }) => {
    process.stdout.write(`${JSON.stringify(await (await import('./restarts.ts')).measureRestarts(stream))}\n`);
  });

program
  .command('queries')
  .description(
    'questions to a long history, alone and while it is written to, beside git; bytes as it grows; the start of the API on it',
  )
  .option('--changes <N>', 'changes of the history', positive, 1_000_000)
  .option('--db <FILE>', 'the database: built there if it is not there yet, and left; by default one that goes afterwards')
  .option('--seed <N>', 'of the history', positive, 1)
  .option('--writes <N>', 'changes written each second while questions are asked', positive, 1_000)
  .option('--samples <N>', 'times each question is asked', positive, 500)
  .option('--no-git', 'without git')
  .option('--no-api', 'without starting the program')
  .option('--json', 'only the JSON, no text')
  .action(async ({ json, ...given }: QueriesOptions & { json?: boolean }) => {
    const result = await measureQueries(given).catch((error: Error) =>
      program.error(`the bench came to nothing: ${error.message}`),
    );
    if (json !== true) process.stdout.write(queriesText(result));
    print(result);
  });

program
  .command('samples')
  .description("bytes per sample of the database file, beside Prometheus' own database on the same samples")
  .argument('[recordings...]', 'of scripts/record-scrapes.ts, or recorded streams; by default a day of two operators', [
    'fixtures/operators/day.prometheus-operator.ndjson.zst',
    'fixtures/operators/day.rabbitmq-cluster-operator.ndjson.zst',
  ])
  .option('--late', 'scrapes as late as the recording machine was, instead of when they were due')
  .option('--json', 'only the JSON, no text')
  .action(async (recordings: string[], { json, late }: { json?: boolean; late?: boolean }) => {
    const result = await measureSamples(recordings, { late: late === true }).catch((error: Error) =>
      program.error(`the bench came to nothing: ${error.message}`),
    );
    if (json !== true) process.stdout.write(samplesText(result));
    print(result);
  });

program
  .command('nab')
  .description(
    'the detector of series over the Numenta Anomaly Benchmark, one row after the other; results as its scorers read them',
  )
  .requiredOption('--data <DIR>', 'the corpus: data/ and labels/')
  .requiredOption('--out <DIR>', 'where the results go, one file per series')
  .option(
    '--choose <N>',
    'also choose constants on each half of the files from so many draws, and report them on the other half',
    positive,
  )
  .option('--level <X>', 'write the results of another level than the product has', Number)
  .option('--seed <N>', 'of the draws', positive, 1)
  .action((given: { data: string; out: string; level?: number; choose?: number; seed: number }) => {
    try {
      print(measureNab({ ...given, onProgress: (text) => process.stderr.write(`${text}\n`) }));
    } catch (error) {
      program.error(`the bench came to nothing: ${(error as Error).message}`);
    }
  });

program
  .command('outlooks')
  .description(
    'how often a limit is reached within the band that was told with "full in 3 h", on rising stretches of real series',
  )
  .requiredOption('--data <DIR>', 'the Numenta Anomaly Benchmark: data/ and labels/')
  .action(({ data }: { data: string }) => print(measureOutlooks(data)));

program
  .command('budget')
  .description('pages in any seven days on labelled streams, as they are and with ten times the findings')
  .requiredOption('--data <DIR>', 'folder of <stream>.injected.jsonl.zst')
  .argument('<stream...>', 'names of streams')
  .action(async (streams: string[], { data }: { data: string }) => {
    const result = await measureBudget(data, streams);
    print(result);
    if (result.some(({ mostBudgeted, pagesPerWeek }) => mostBudgeted > pagesPerWeek)) process.exitCode = 1;
  });

program
  .command('model-memory')
  .description("what the model's state takes for a large cluster and for as many series as are followed")
  .option('--objects <N>', 'of 48 kinds', positive, 100_000)
  .option('--changes <N>', 'after their births', positive, 300_000)
  .option('--seed <N>', 'of the cluster', positive, 1)
  .action((given: { objects: number; changes: number; seed: number }) => print(measureModelMemory(given)));

program
  .command('quiet-series')
  .description('false alarms of the detectors on series on days on which nothing is wrong, beside what their scores promise')
  .option('--clusters <N>', 'made-up clusters, one after the other', positive, 6)
  .option('--days <N>', 'of each, two weeks of learning included', positive, 84)
  .option('--minutes <N>', 'between two readings', positive, 15)
  .option('--seed <N>', 'of the first cluster', positive, 1)
  .action(({ clusters, days, minutes, seed }: { clusters: number; days: number; minutes: number; seed: number }) =>
    print(measureQuiet({ clusters, days, scrapeMs: minutes * 60_000, seed })),
  );

function positive(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('expected a whole number above 0.');
  return Number(text);
}

function print(result: object): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

await program.parseAsync();
