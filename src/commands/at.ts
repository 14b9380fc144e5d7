import type { ObjectState } from '../api/answers.ts';
import { stateYaml } from '../api/state-yaml.ts';
import { CrowsnestError } from '../domain/errors.ts';
import type { JsonObject } from '../domain/json.ts';
import { timeOf } from '../domain/time-text.ts';
import type { Options } from '../options.ts';
import { createAsker } from './ask-api.ts';
import { printable } from './printable.ts';
import type { Terminal } from './terminal.ts';

/** All objects as they were at a time, as YAML documents or NDJSON, as they come. Masked values stay masked: this is no backup. */
export async function runAt(options: Options, time: string, terminal: Terminal): Promise<number> {
  const atMs = timeOf(time);
  if (atMs === undefined) {
    const todo = 'Write RFC 3339, such as 2026-08-21T09:30:00Z, or a date.';
    throw new CrowsnestError({ code: 'CONFIG_BAD_VALUE', what: `"${time}" is no time`, where: 'command line', todo });
  }
  const asker = createAsker(options, terminal);
  const asked = { at: new Date(atMs).toISOString(), cluster: options.cluster, kind: options.kind };
  let found = false;
  for (const namespace of options.namespace.length === 0 ? [undefined] : options.namespace) {
    for await (const object of asker.lines<ObjectState>('/v1/states', { ...asked, namespace })) {
      found = true;
      if (options.json) terminal.out(`${JSON.stringify(object)}\n`);
      else terminal.out(readable(object));
    }
  }
  if (!found) terminal.note(`crowsnest: no such object was there at ${asked.at}\n`);
  return 0;
}

/** YAML passes on what steers a terminal: C1 controls, and marks that turn text around. */
function readable({ ref, seq, state }: ObjectState): string {
  const text = `---\n# ${ref.cluster.replaceAll('\n', ' ')}, change ${seq ?? ''}\n${stateYaml(state as JsonObject)}`;
  return text.split('\n').map(printable).join('\n');
}
