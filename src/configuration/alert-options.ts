/** What is judged, how, who is told, and what may be done about it. */
import { z } from 'zod';
import { JUDGING, RUNNING } from './commands.ts';
import type { OptionRow } from './option-row.ts';
import { allow, duration, httpUrl, positive, rule, text, timeZone } from './option-values.ts';

export const ALERT_OPTIONS = {
  alertmanager: {
    schema: z.array(httpUrl).default([]),
    value: 'URL',
    list: true,
    help: 'Alertmanager to push to; repeat for every peer',
    commands: RUNNING,
  },
  alertmanagerTokenFile: {
    schema: text.optional(),
    value: 'FILE',
    help: 'file with a bearer token for Alertmanager',
    commands: RUNNING,
  },
  alertHold: {
    schema: duration.prefault('30m'),
    value: 'DURATION',
    help: 'how long an alert fires after the last event of its episode',
    commands: RUNNING,
  },
  coverageGrace: {
    schema: duration.prefault('2m'),
    value: 'DURATION',
    help: 'how long a kind may be stale, broken or forbidden after being watched before that is an alert',
    commands: ['serve'],
  },
  pagesPerWeek: {
    schema: positive(1000).default(5),
    value: 'N',
    help: 'budget: alerts per week and cluster',
    commands: JUDGING,
    // The demo crams eight incidents into one week.
    defaults: { demo: 20 },
  },
  allow: {
    schema: z.array(allow).default([]),
    value: 'WRITE',
    list: true,
    help: 'let Crowsnest write to the cluster: event, annotate=Kind,…, canary=NAMESPACE, admission-webhook; nothing by default',
    commands: ['serve', 'rbac'],
  },
  rules: { schema: z.array(rule).default([]), help: 'rules of your own', commands: JUDGING, fileOnly: true },
  timeZone: {
    schema: timeZone.optional(),
    value: 'ZONE',
    help: 'time zone of the cluster’s people, for habits by the hour (default UTC, or what a recording says of itself)',
    commands: [...JUDGING, 'record'],
  },
  model: {
    schema: z.enum(['on', 'off']).default('on'),
    value: 'WORD',
    help: 'off records and judges nothing; what was recorded is judged once it is on again',
    commands: ['serve', 'replay'],
  },
  neural: {
    schema: z.enum(['off', 'shadow', 'auto']).default('shadow'),
    value: 'WORD',
    help: 'a network trained nightly in a thread of its own: shadow only compares it, auto lets it speak once it has earned it, see docs/detectors.md',
    commands: ['serve'],
  },
  neuralBackend: {
    schema: z.enum(['auto', 'wasm', 'native']).default('auto'),
    value: 'WORD',
    help: 'what the network is computed with: auto takes native where @tensorflow/tfjs-node loads, else wasm',
    commands: ['serve'],
  },
} as const satisfies Record<string, OptionRow>;
