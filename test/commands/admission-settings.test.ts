import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admissionSettings, refuseAdmissionMisfits } from '../../src/commands/admission-settings.ts';
import { withOptions } from '../../src/commands/clusters.ts';
import { parseOptions } from '../../src/options.ts';

const CLUSTERS = [{ cluster: 'east' }, { cluster: 'west' }];
const ALLOWED = { allow: ['admission-webhook'] };
const given = (flags: Record<string, unknown>) => parseOptions({ command: 'serve', flags, environment: {} });
const settingsOf = (flags: Record<string, unknown>) =>
  withOptions(CLUSTERS, given(flags)).map(({ options }) => admissionSettings(options));
const refused = (message: RegExp) => ({ code: 'CONFIG_BAD_VALUE', message });

test('each cluster asks at an address of its own, or not at all', () => {
  const [east, west] = settingsOf({
    ...ALLOWED,
    admission: ['0.0.0.0:9443', 'west=[::1]:9444'],
    admissionService: ['look-out/crowsnest:8443'],
    admissionUrl: ['west=https://look-out:9444'],
  });
  assert.deepEqual(east, {
    listen: { host: '0.0.0.0', port: 9443 },
    address: { service: { namespace: 'look-out', name: 'crowsnest', port: 8443 } },
  });
  assert.deepEqual(west, { listen: { host: '::1', port: 9444 }, address: { url: 'https://look-out:9444' } });
  const lone = settingsOf({ ...ALLOWED, admission: ['west=0.0.0.0:9444'], admissionUrl: ['west=https://look-out'] });
  assert.equal(lone[0], undefined);
  assert.deepEqual(lone[1]?.listen, { host: '0.0.0.0', port: 9444 });
});

test('halves are refused, for each cluster', () => {
  const admission = ['0.0.0.0:9443'];
  assert.throws(() => settingsOf({ ...ALLOWED, admission, admissionUrl: ['west=https://a'] }), refused(/where to ask/));
  assert.throws(
    () => settingsOf({ ...ALLOWED, admission: ['west=0.0.0.0:1'], admissionUrl: ['west=https://a', 'https://b'] }),
    refused(/no address to be asked at/),
  );
  assert.throws(() => settingsOf({ admission, admissionUrl: ['https://a'] }), refused(/has to be registered/));
  assert.throws(
    () => settingsOf({ ...ALLOWED, admission: [...admission, 'east=0.0.0.0:9444'], admissionUrl: ['https://a'] }),
    refused(/one cluster asks at one address/),
  );
  assert.throws(
    () => settingsOf({ ...ALLOWED, admission: ['0.0.0.0:70000'], admissionUrl: ['https://a'] }),
    refused(/above 65535/),
  );
  assert.throws(
    () => settingsOf({ ...ALLOWED, admission: ['north=0.0.0.0:1'] }),
    refused(/no watched cluster is called "north"/),
  );
});

test('what fits no cluster is refused before anything is started', () => {
  assert.throws(() => refuseAdmissionMisfits(given(ALLOWED)), refused(/no address to be asked at/));
  const twice = { ...ALLOWED, admission: ['0.0.0.0:9443', 'west=0.0.0.0:9443'] };
  assert.throws(() => refuseAdmissionMisfits(given(twice)), refused(/two clusters would ask at 0.0.0.0:9443/));
  assert.doesNotThrow(() => refuseAdmissionMisfits(given({ ...ALLOWED, admission: ['0.0.0.0:9443', 'west=0.0.0.0:9444'] })));
});

test('one address for two clusters is refused however it is spelt, and whatever the clusters are called', () => {
  for (const [one, other, host] of [
    ['[::1]:9443', '[0:0:0:0:0:0:0:1]:9443', /at \[::1\]:9443/],
    ['127.0.0.1:9443', '127.0.0.1:09443', /at 127.0.0.1:9443/],
    ['LOCALHOST:9443', 'localhost:9443', /at localhost:9443/],
  ] as const) {
    const admission = [one, `west=${other}`];
    assert.throws(() => refuseAdmissionMisfits(given({ ...ALLOWED, admission })), refused(host), other);
  }
  const odd = { ...ALLOWED, admission: ['arn:a=b=0.0.0.0:9443', 'arn:a=c=0.0.0.0:9443'] };
  assert.throws(() => refuseAdmissionMisfits(given(odd)), refused(/two clusters would ask at 0.0.0.0:9443/));
});

test('values of the wrong shape are refused with what is expected', () => {
  assert.throws(() => given({ admission: ['9443'] }), refused(/expected ADDRESS:PORT/));
  assert.throws(() => given({ admission: ['west=9443'] }), refused(/expected ADDRESS:PORT/));
  assert.throws(() => given({ admissionUrl: ['west=http://plain'] }), refused(/expected an https/));
  assert.throws(() => given({ admissionService: ['west=Nope'] }), refused(/expected NAMESPACE\/NAME/));
});
