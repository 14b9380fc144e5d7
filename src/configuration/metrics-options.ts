/** Where the reconciles of controllers are read, and which kinds they act on. */
import { z } from 'zod';
import { CLUSTER, JUDGING, READING } from './commands.ts';
import type { OptionRow } from './option-row.ts';
import { clusterUrl, declaredController, duration, httpUrl, text } from './option-values.ts';

export const METRICS_OPTIONS = {
  metricsTarget: {
    schema: z.array(clusterUrl).default([]),
    value: 'URL',
    list: true,
    help: 'a controller’s /metrics page to scrape; of several clusters CLUSTER=URL, else the first one’s',
    commands: READING,
  },
  metricsTokenFile: {
    schema: text.optional(),
    value: 'FILE',
    help: 'file with a bearer token for metrics pages, best of an account that may read nothing else; sent over HTTPS only',
    commands: CLUSTER,
  },
  metricsCaFile: {
    schema: text.optional(),
    value: 'FILE',
    help: 'authority (PEM) of metrics targets whose own cannot be read; else the system’s',
    commands: CLUSTER,
  },
  metricsDiscovery: {
    schema: z.array(z.enum(['service-monitor', 'pod-monitor', 'annotations'])).default([]),
    value: 'WAY',
    list: true,
    help: 'find metrics pages in the cluster: service-monitor, pod-monitor, annotations; none by default, as each needs further rights',
    commands: READING,
  },
  metricsTokenNamespace: {
    schema: z.array(text).default([]),
    value: 'NAME',
    list: true,
    help: 'namespaces whose discovered HTTPS pages may be sent the metrics token (or over a checked certificate our own); none by default',
    commands: CLUSTER,
  },
  prometheusUrl: {
    schema: httpUrl.optional(),
    value: 'URL',
    help: 'a Prometheus that has the controllers’ metrics already, asked for them instead of the pages',
    commands: CLUSTER,
  },
  prometheusTokenFile: {
    schema: text.optional(),
    value: 'FILE',
    help: 'file with a bearer token for it; sent over HTTPS only',
    commands: CLUSTER,
  },
  prometheusCaFile: {
    schema: text.optional(),
    value: 'FILE',
    help: 'authority (PEM) that signs its certificate',
    commands: CLUSTER,
  },
  prometheusMatch: {
    schema: text.optional(),
    value: 'MATCHERS',
    help: 'only series that meet these matchers, such as cluster="prod", of a Prometheus of several clusters',
    commands: CLUSTER,
  },
  prometheusBackfill: {
    schema: duration.prefault('1h'),
    value: 'DURATION',
    help: 'how far back it is asked for samples after downtime, and at the first start',
    commands: CLUSTER,
  },
  scrapeInterval: { schema: duration.prefault('30s'), value: 'DURATION', help: 'how often to scrape', commands: CLUSTER },
  controllers: {
    schema: z.array(declaredController).default([]),
    help: 'which kinds a controller acts on, where that is not learnt right',
    commands: JUDGING,
    fileOnly: true,
  },
} as const satisfies Record<string, OptionRow>;
