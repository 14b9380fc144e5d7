/** Commands a person can paste to look at what a finding is about. Pure. */
import type { Coverage, ObjectRef } from './types.ts';

export interface Command {
  what: string;
  text: string;
}

/** A word as a shell takes it literally: names come from the cluster and may be anything in a recorded stream. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./][\w@%+=:,./-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** `kafkas.v1beta2.kafka.strimzi.io`, by the plural where coverage knows it; kubectl takes the lower-case kind as well. */
export function resourceWord(ref: Pick<ObjectRef, 'group' | 'version' | 'kind'>, coverage: readonly Coverage[]): string {
  const known = coverage.find((kind) => kind.group === ref.group && kind.kind === ref.kind);
  const resource = known?.plural ?? ref.kind.toLowerCase();
  return ref.group === '' ? resource : `${resource}.${ref.version}.${ref.group}`;
}

export function commandsFor(ref: ObjectRef, coverage: readonly Coverage[]): Command[] {
  const namespace = ref.namespace === '' ? '' : ` -n ${shellWord(ref.namespace)}`;
  // A name with a leading dash must not become an option.
  const target = `${namespace} ${shellWord(resourceWord(ref, coverage))} ${ref.name.startsWith('-') ? '-- ' : ''}${shellWord(ref.name)}`;
  const events = ref.namespace === '' ? ' -n default' : namespace;
  return [
    { what: 'See it as it is now', text: `kubectl get -o yaml${target}` },
    { what: 'Its conditions and Events', text: `kubectl describe${target}` },
    { what: 'Who wrote which field', text: `kubectl get -o yaml --show-managed-fields${target}` },
    {
      what: 'Events about it, newest last',
      text: `kubectl get events${events} --sort-by=.lastTimestamp --field-selector ${shellWord(`involvedObject.kind=${ref.kind},involvedObject.name=${ref.name}`)}`,
    },
  ];
}

/** The path of an object in the API; `_` stands for an empty group or namespace. */
export function objectPath(ref: ObjectRef): string {
  const parts = [ref.cluster, ref.group === '' ? '_' : ref.group, ref.kind, ref.namespace === '' ? '_' : ref.namespace, ref.name];
  return `/v1/objects/${parts.map(encodeURIComponent).join('/')}`;
}

/** A curl command for a path of this service; the token stays a variable, so that it does not end up in a shell history. */
export function curlCommand(origin: string, path: string): string {
  return `curl -H "Authorization: Bearer $CROWSNEST_TOKEN" ${shellWord(`${origin}${path}`)}`;
}
