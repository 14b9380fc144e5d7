import type { ObjectState } from '../api/answers.ts';
import { CrowsnestError } from '../domain/errors.ts';
import { timeOf } from '../domain/time-text.ts';
import type { Options } from '../options.ts';
import { createAsker } from './ask-api.ts';
import type { Terminal } from './terminal.ts';

/**
 * All objects as they were at a time, as they come: as YAML documents that kubectl can apply, with `@MASKED` where a secret has to be put in
 * and escapes for what would steer a terminal, or as NDJSON of the whole states as they are recorded, masks and status included.
 */
export async function runAt(options: Options, time: string, terminal: Terminal): Promise<number> {
  const atMs = timeOf(time);
  if (atMs === undefined) {
    const todo = 'Write RFC 3339, such as 2026-08-21T09:30:00Z, or a date.';
    throw new CrowsnestError({ code: 'CONFIG_BAD_VALUE', what: `"${time}" is no time`, where: 'command line', todo });
  }
  const asker = createAsker(options, terminal);
  const asked = {
    at: new Date(atMs).toISOString(),
    cluster: options.cluster,
    kind: options.kind,
    manifest: options.json ? undefined : 'true',
  };
  let found = false;
  for (const namespace of options.namespace.length === 0 ? [undefined] : options.namespace) {
    for await (const object of asker.lines<ObjectState>('/v1/states', { ...asked, namespace })) {
      found = true;
      if (options.json) terminal.out(`${JSON.stringify(object)}\n`);
      else terminal.out(`---\n${object.manifest?.yaml ?? ''}`);
    }
  }
  if (!found) terminal.note(`crowsnest: no such object was there at ${asked.at}\n`);
  return 0;
}
