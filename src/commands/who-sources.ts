/** Sources that tell who wrote, beside the objects themselves: audit logs and admission webhooks. */
import type { App } from '../app.ts';
import type { KindCoverage, Source } from '../collector/source.ts';
import { publishAdmissionMetrics } from '../collector/who/admission-metrics.ts';
import { AdmissionWebhook } from '../collector/who/admission-webhook.ts';
import { AuditLogFile } from '../collector/who/audit-log-file.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { Options } from '../options.ts';
import { readOwnNamespace } from '../secrets.ts';
import type { AdmissionSettings } from './admission-settings.ts';

/** A cluster that is to ask us before each write. */
export interface AskingCluster {
  client: KubeClient;
  options: Options;
  settings: AdmissionSettings;
  coverage: () => KindCoverage[];
  /** Whether we run in it, as far as anything says so. */
  isHome: boolean;
}

/** The webhooks, one with a thread and a port of its own for each cluster that asks. */
export function createWebhooks(
  app: Pick<App, 'clock' | 'logger' | 'registry' | 'joinClaims'>,
  asking: readonly AskingCluster[],
): AdmissionWebhook[] {
  const { clock, logger } = app;
  const webhooks = asking.map(({ client, options, settings, coverage, isHome }) => {
    const { address } = settings;
    const service = 'service' in address ? address.service.namespace : undefined;
    return new AdmissionWebhook({
      ...{ client, clock, logger, coverage, ...settings },
      status: options.admissionStatus,
      ownNamespace: service ?? (isHome ? readOwnNamespace() : undefined),
      namespaces: options.namespace.length === 0 ? undefined : options.namespace,
    });
  });
  publishAdmissionMetrics(app.registry, webhooks);
  app.joinClaims({ drain: () => webhooks.flatMap((webhook) => webhook.drain()) });
  return webhooks;
}

/** For people: not being asked costs attribution, not readiness. */
export function webhookCheck({ cluster, state, detail }: AdmissionWebhook): { name: string; ok: boolean; detail: string } {
  return { name: `admission webhook of ${cluster}`, ok: true, detail: `${state}: ${detail}` };
}

/** Followers of the audit logs of one cluster. */
export function createAuditLogs(
  { clock, logger, store: cursors }: Pick<App, 'clock' | 'logger'> & { store: Pick<App['store'], 'cursor'> },
  cluster: string,
  { auditLog }: Options,
): Source[] {
  return auditLog.map((path) => new AuditLogFile({ path, cluster, clock, logger, cursors }));
}
