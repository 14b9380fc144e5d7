/** CloudEvents are read as the specification says, and what it forbids is refused with a reason. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type PushedEvent, type RawMessage, readCloudEvents } from '../../src/collector/pushed/cloud-event.ts';
import type { IngestReason } from '../../src/collector/pushed/ingest-fault.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { BATCH, binary, knativeEvent, STRUCTURED } from '../support/cloud-events.ts';

const structured = (event: unknown): RawMessage => ({ headers: STRUCTURED, body: Buffer.from(JSON.stringify(event)) });

function one(message: RawMessage): PushedEvent {
  const [read, ...more] = readCloudEvents(message);
  assert.equal(more.length, 0);
  assert.ok(read !== undefined && !('fault' in read), JSON.stringify(read));
  return read;
}

describe('a CloudEvent', () => {
  const event = knativeEvent('e1', { time: '2026-11-27T08:00:00.5Z', severitynumber: 9, traced: true });

  it('is the same in structured and binary mode', () => {
    const { headers, body } = binary({ ...event });
    const fromBinary = one({ headers, body: Buffer.from(body) });
    const fromStructured = one(structured(event));
    assert.deepEqual(fromStructured.extensions, {
      ...{ kind: 'Kafka', name: 'k-e1', namespace: event.namespace, apiversion: event.apiversion },
      ...{ severitynumber: 9, traced: true },
    });
    // Headers have no types.
    assert.deepEqual(fromBinary, {
      ...fromStructured,
      extensions: { ...fromStructured.extensions, severitynumber: '9', traced: 'true' },
    });
    assert.equal(fromStructured.timeMs, Date.parse('2026-11-27T08:00:00.5Z'));
  });

  it('may carry its data as Base64', () => {
    const { data, ...rest } = event;
    const base64 = Buffer.from(JSON.stringify(data)).toString('base64');
    assert.deepEqual(one(structured({ ...rest, data_base64: base64 })).data, data);
  });

  it('has percent-encoded headers decoded', () => {
    const { headers, body } = binary(event);
    assert.equal(one({ headers: { ...headers, 'ce-subject': 'caf%C3%A9' }, body: Buffer.from(body) }).subject, 'café');
  });

  it('of a batch is read or refused by itself', () => {
    const body = Buffer.from(JSON.stringify([event, { ...event, id: undefined }, 7, { ...event, id: 'e2' }]));
    const read = readCloudEvents({ headers: BATCH, body });
    assert.deepEqual(
      read.map((each) => ('fault' in each ? [each.fault.index, each.fault.reason] : each.id)),
      ['e1', [1, 'event'], [2, 'event'], 'e2'],
    );
  });

  const deep = (levels: number) => `{"specversion":"1.0","data":${'['.repeat(levels)}${']'.repeat(levels)}}`;
  const bad: [string, RawMessage, IngestReason, RegExp][] = [
    ['without id', structured({ ...event, id: undefined }), 'event', /id is missing/],
    ['with an empty id', structured({ ...event, id: '' }), 'event', /id is missing/],
    ['with a number as id', structured({ ...event, id: 7 }), 'event', /id is missing/],
    ['without source', structured({ ...event, source: undefined }), 'event', /source is missing/],
    ['without type', structured({ ...event, type: undefined }), 'event', /type is missing/],
    ['of version 0.3', structured({ ...event, specversion: '0.3' }), 'event', /1\.0/],
    ['with a source that is no URI', structured({ ...event, source: 'not a uri' }), 'event', /source/],
    ['with a time that is none', structured({ ...event, time: 'yesterday' }), 'event', /time/],
    ['with a day that does not exist', structured({ ...event, time: '2026-02-30T00:00:00Z' }), 'event', /time/],
    ['with a capital in an attribute', structured({ ...event, Author: 'x' }), 'event', /not a valid CloudEvent/],
    [
      'with __proto__ as an attribute',
      { headers: STRUCTURED, body: Buffer.from(`${JSON.stringify(event).slice(0, -1)},"__proto__":"x"}`) },
      'event',
      /./,
    ],
    ['with an object as an extension', structured({ ...event, authclaims: {} }), 'event', /extension/],
    ['with a very long attribute', structured({ ...event, subject: 'x'.repeat(5000) }), 'size', /longer/],
    ['with data and Base64', structured({ ...event, data_base64: 'e30=' }), 'event', /not both/],
    ['with what is no Base64', structured({ ...event, data: undefined, data_base64: '*' }), 'event', /Base64/],
    ['with data of XML', structured({ ...event, datacontenttype: 'text/xml', data: '<a/>' }), 'media-type', /JSON/],
    ['cut short', { headers: STRUCTURED, body: Buffer.from('{"specversion":"1.0"') }, 'json', /JSON/],
    ['with broken UTF-8', { headers: STRUCTURED, body: Buffer.from([0x22, 0xff, 0x22]) }, 'encoding', /UTF-8/],
    ['nested too deep', { headers: STRUCTURED, body: Buffer.from(deep(200)) }, 'nesting', /nested/],
    ['nested a million deep', { headers: STRUCTURED, body: Buffer.from(deep(1_000_000)) }, 'nesting', /nested/],
    ['that is a list', structured([event]), 'event', /object/],
    ['batch that is an object', { headers: BATCH, body: Buffer.from('{}') }, 'event', /list/],
    ['batch of too many', { headers: BATCH, body: Buffer.from(`[${'0,'.repeat(10_000)}0]`) }, 'size', /10000/],
    ['of nothing', { headers: { 'content-type': 'application/json' }, body: Buffer.from('{}') }, 'event', /no CloudEvent/],
  ];
  for (const [what, message, reason, words] of bad) {
    it(`${what} is refused for its ${reason}`, () => {
      const [read] = readCloudEvents(message);
      assert.ok(read !== undefined && 'fault' in read, 'it was taken');
      assert.equal(read.fault.reason, reason, read.fault.what);
      assert.match(read.fault.what, words);
    });
  }

  it('in binary mode is refused for headers that are no percent-encoded UTF-8 and data that are no JSON', () => {
    const { headers, body } = binary(event);
    const reasonOf = (message: RawMessage) => {
      const [read] = readCloudEvents(message);
      return read !== undefined && 'fault' in read ? read.fault.reason : read;
    };
    assert.equal(reasonOf({ headers: { ...headers, 'ce-subject': '%FF' }, body: Buffer.from(body) }), 'encoding');
    assert.equal(reasonOf({ headers: { ...headers, 'content-type': 'text/plain' }, body: Buffer.from('x') }), 'media-type');
  });

  it('never becomes two by a nesting that hides in text', () => {
    const text = { note: '[[[{{{'.repeat(100) } satisfies JsonObject;
    assert.deepEqual(one(structured({ ...event, data: text })).data, text);
  });
});
