import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../../src/domain/json.ts';
import { NewOrigin } from '../../../src/model/detectors/new-origin.ts';
import { eventOf } from '../../../src/model/features.ts';
import { groupOf } from '../../contract/check-detector.ts';
import { DAY_MS, MONDAY_MS, ONLY, Stream } from '../stream.ts';

/** What is said of one last change after two months in which ever new names and tags came from the same two registries and one host. */
function told(last: { type?: 'ADDED'; name: string; spec: JsonObject }) {
  const detector = new NewOrigin();
  const stream = new Stream();
  const see = (day: number, edit: { type?: 'ADDED'; name: string; spec: JsonObject }) => {
    const change = stream.change({ atMs: MONDAY_MS + day * DAY_MS, actor: 'user:ann', kind: 'App', ...edit });
    const event = eventOf(change, { ...ONLY, known: change.type !== 'ADDED' });
    const evidence = detector.score(event, groupOf(event));
    const told = evidence && { surprise: evidence.surprise, sentence: evidence.explain().sentence };
    detector.learn(event);
    return told;
  };
  for (let day = 0; day < 60; day++) {
    const registry = day % 3 === 0 ? 'ghcr.io' : 'quay.io';
    see(day, {
      type: 'ADDED',
      name: `app-${day}`,
      spec: { image: `${registry}/team/app-${day}:1.0.${day}`, url: 'https://charts.example.org/x' },
    });
    see(day, {
      name: `app-${day}`,
      spec: { image: `${registry}/team/app-${day}:1.1.${day}`, url: 'https://charts.example.org/x' },
    });
  }
  return see(61, last);
}

const image = (of: string) => ({ image: of, url: 'https://charts.example.org/x' });

test('new names and tags from a known place are no news; a place that nothing came from is', () => {
  assert.equal(told({ name: 'app-59', spec: image('quay.io/team/renamed:2.0.0') }), undefined);
  const foreign = told({ name: 'app-59', spec: image('registry.elsewhere.dev/team/app-59:1.1.59') });
  assert.ok((foreign?.surprise ?? 0) > 8, `${foreign?.surprise}`);
  assert.match(foreign?.sentence ?? '', /nothing in this cluster came from elsewhere\.dev before/);
});

test('a value that moves to a place known from others is less of a surprise, not none', () => {
  const surprise = told({ name: 'app-59', spec: image('ghcr.io/team/app-59:1.1.59') })?.surprise ?? 0;
  const foreign = told({ name: 'app-59', spec: image('registry.elsewhere.dev/team/app-59:1.1.59') })?.surprise ?? 0;
  assert.ok(surprise > 2 && surprise < 0.7 * foreign, `${surprise} beside ${foreign}`);
});

test('a new object is asked where its values come from as well, ports and the case of letters aside', () => {
  assert.equal(told({ type: 'ADDED', name: 'app-60', spec: image('QUAY.io/team/app-60:1.0.0') }), undefined);
  assert.equal(told({ type: 'ADDED', name: 'app-60', spec: image('quay.io:443/team/app-60:1.0.0') }), undefined);
  assert.ok((told({ type: 'ADDED', name: 'app-60', spec: image('10.1.2.3:5000/app-60:1.0.0') })?.surprise ?? 0) > 5);
});

test('the name of a file is no place that anything comes from', () => {
  const file = (name: string) => ({
    type: 'ADDED' as const,
    name: 'app-60',
    spec: { ...image('quay.io/team/app-60:1.0.0'), from: name },
  });
  assert.equal(told(file('dashboards.backup.json')), undefined);
  assert.ok((told(file('dashboards.backup.dev'))?.surprise ?? 0) > 5);
});
