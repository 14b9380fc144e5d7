/** Whether a CRD is there: what a server may answer, and what is no answer. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isCrdThere } from '../../src/collector/watch/crd-question.ts';
import { watchedStreams } from '../../src/collector/watch/kept-position.ts';
import type { KubeStream } from '../../src/kube/kube-client.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';

interface Answer {
  status?: number;
  events?: object[];
  /** It says no more, and does not end. */
  isSilent?: boolean;
}

const ADDED = { type: 'ADDED', object: { metadata: { name: 'widgets.test.dev' } } };
const OTHER = { type: 'ADDED', object: { metadata: { name: 'gadgets.test.dev' } } };
const END = { type: 'BOOKMARK', object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } };
const FAILED = { type: 'ERROR', object: { kind: 'Status', code: 500 } };

function ask(...answers: Answer[]): Promise<boolean | undefined> {
  const stream = async (): Promise<KubeStream> => {
    const { status = 200, events = [], isSilent = false } = answers.shift() as Answer;
    const cancelled = Promise.withResolvers<void>();
    async function* body(): AsyncGenerator<Buffer> {
      for (const event of events) yield Buffer.from(`${JSON.stringify(event)}\n`);
      if (isSilent) await cancelled.promise;
    }
    return { status, headers: {}, body: body(), cancel: () => cancelled.resolve() } as unknown as KubeStream;
  };
  const signal = new AbortController().signal;
  return isCrdThere('widgets.test.dev', { client: { stream }, clock: systemClock, signal, silenceMs: 20 });
}

describe('whether a CRD is there', () => {
  const told: [string, Answer[], boolean | undefined][] = [
    ['it is listed', [{ events: [OTHER, ADDED, END] }], true],
    ['the list ends without it', [{ events: [OTHER, END] }], false],
    ['CRDs may not be watched', [{ status: 403 }], undefined],
    ['there are no CRDs', [{ status: 404 }], undefined],
    ['no streaming lists, and it comes', [{ status: 422 }, { events: [OTHER, ADDED] }], true],
    ['no streaming lists by the storage, and it comes', [{ events: [FAILED] }, { events: [ADDED] }], true],
    ['no streaming lists, and nothing more comes', [{ status: 400 }, { events: [OTHER], isSilent: true }], false],
  ];
  for (const [what, answers, wanted] of told) it(`${what}: ${wanted}`, async () => assert.equal(await ask(...answers), wanted));

  const untold: [string, Answer[]][] = [
    ['a server that is too busy', [{ status: 429 }]],
    ['credentials that are out of date', [{ status: 401 }]],
    ['a server that begins', [{ status: 503 }]],
    ['an end before all is told', [{ events: [OTHER] }]],
    ['silence before all is told', [{ events: [], isSilent: true }]],
    ['an end where silence would be the answer', [{ status: 422 }, { events: [] }]],
    ['an error where silence would be the answer', [{ status: 422 }, { events: [FAILED] }]],
    ['a refusal of every watch', [{ status: 422 }, { status: 422 }]],
  ];
  for (const [what, answers] of untold) it(`${what} is no answer`, () => assert.rejects(ask(...answers)));
});

it('the streams of a cluster are not those of one whose name goes on with a slash', () => {
  const cursors = { 'watch:a/test.dev/widgets': '7 1 1 Widget', 'watch:a/test.dev/other.dev/gadgets': '7 1 1 Gadget' };
  assert.deepEqual(
    watchedStreams('a', () => cursors).map(({ group, plural }) => `${plural}.${group}`),
    ['widgets.test.dev'],
  );
});
