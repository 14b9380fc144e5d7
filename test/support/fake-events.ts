import { type FakeObject, HttpProblem } from './fake-objects.ts';

/** What the API server checks of a new events.k8s.io/v1 Event. */
export function checkEvent(event: FakeObject, namespace: string): void {
  const wrong: string[] = [];
  if (typeof event.metadata?.name !== 'string') wrong.push('metadata.name: Required value');
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(String(event.eventTime))) wrong.push('eventTime: must be a MicroTime');
  if (!/^([a-z0-9.-]+\/)?[A-Za-z0-9._-]+$/.test(String(event.reportingController ?? '')))
    wrong.push('reportingController: must be a qualified name');
  for (const field of ['reportingInstance', 'action', 'reason']) {
    const value = event[field];
    if (typeof value !== 'string' || value === '' || value.length > 128) wrong.push(`${field}: must have 1 to 128 characters`);
  }
  if (event.type !== 'Normal' && event.type !== 'Warning') wrong.push('type: must be Normal or Warning');
  if (typeof event.note === 'string' && Buffer.byteLength(event.note) > 1024) wrong.push('note: can have at most 1024 bytes');
  for (const field of ['deprecatedSource', 'deprecatedFirstTimestamp', 'deprecatedLastTimestamp', 'deprecatedCount']) {
    if (event[field] !== undefined) wrong.push(`${field}: needs to be unset`);
  }
  const regarding = event.regarding?.namespace ?? '';
  const allowed = regarding === '' ? ['default', 'kube-system'] : [regarding];
  if (!allowed.includes(namespace)) wrong.push('regarding.namespace: does not match event.namespace');
  if (wrong.length > 0) throw new HttpProblem(422, 'Invalid', `Event.events.k8s.io is invalid: ${wrong.join(', ')}`);
}
