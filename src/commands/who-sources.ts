/** Sources that tell who wrote, beside the objects themselves: audit logs, of any cluster, and the admission webhook, for the one we run in. */
import type { App } from '../app.ts';
import type { KindCoverage, Source } from '../collector/source.ts';
import type { AdmissionAddress } from '../collector/who/admission-configuration.ts';
import { publishAdmissionMetrics } from '../collector/who/admission-metrics.ts';
import { AdmissionWebhook } from '../collector/who/admission-webhook.ts';
import { AuditLogFile } from '../collector/who/audit-log-file.ts';
import { CrowsnestError } from '../domain/errors.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { Options } from '../options.ts';
import { readOwnNamespace } from '../secrets.ts';

export interface WhoSources {
  sources: Source[];
  /** For people: not being asked costs attribution, not readiness. */
  checks(): { name: string; ok: boolean; detail: string }[];
}

export function createWhoSources(
  app: Pick<App, 'store' | 'clock' | 'logger' | 'registry' | 'joinClaims'>,
  home: { client: KubeClient; options: Options; coverage: () => KindCoverage[] },
  logs: Source[],
): WhoSources {
  const { clock, logger } = app;
  const { client, options, coverage } = home;
  const listen = admissionOptions(options);
  if (listen === undefined) return { sources: logs, checks: () => [] };
  const webhook = new AdmissionWebhook({
    ...{ client, clock, logger, coverage, listen },
    address: addressOf(options),
    status: options.admissionStatus,
    ownNamespace: options.admissionService?.split('/')[0] ?? readOwnNamespace(),
    namespaces: options.namespace.length === 0 ? undefined : options.namespace,
  });
  publishAdmissionMetrics(app.registry, webhook);
  app.joinClaims({ drain: () => webhook.drain() });
  return {
    sources: [webhook, ...logs],
    checks: () => [{ name: 'admission webhook', ok: true, detail: `${webhook.state}: ${webhook.detail}` }],
  };
}

/** Followers of the audit logs of one cluster. */
export function createAuditLogs(
  { clock, logger, store: cursors }: Pick<App, 'clock' | 'logger'> & { store: Pick<App['store'], 'cursor'> },
  cluster: string,
  { auditLog }: Options,
): Source[] {
  return auditLog.map((path) => new AuditLogFile({ path, cluster, clock, logger, cursors }));
}

/** Where to listen, when the webhook is wanted. Throws CONFIG_BAD_VALUE for halves of it. */
export function admissionOptions(options: Options): { host: string; port: number } | undefined {
  const { admission, admissionService, admissionUrl, allow } = options;
  const allowed = allow.includes('admission-webhook');
  if (admission === undefined) {
    const lone =
      admissionService !== undefined ? '--admission-service' : admissionUrl !== undefined ? '--admission-url' : undefined;
    const where = lone ?? (allowed ? '--allow admission-webhook' : undefined);
    if (where !== undefined) throw incomplete('there is no address to be asked at', where, 'Add --admission ADDRESS:PORT.');
    return undefined;
  }
  if (!allowed) {
    const todo = 'Add --allow admission-webhook and apply what `crowsnest rbac` prints with it.';
    throw incomplete('a webhook has to be registered with the API server', '--admission', todo);
  }
  if ((admissionService === undefined) === (admissionUrl === undefined)) {
    const todo = 'Give --admission-service NAMESPACE/NAME or --admission-url https://…, and only one of them.';
    throw incomplete('the API server has to know where to ask', '--admission', todo);
  }
  const colon = admission.lastIndexOf(':');
  const port = Number(admission.slice(colon + 1));
  if (port > 65_535) throw incomplete('the port is above 65535', '--admission', 'Choose another.');
  return { host: admission.slice(0, colon).replace(/^\[|\]$/g, ''), port };
}

function addressOf({ admissionService, admissionUrl }: Options): AdmissionAddress {
  if (admissionService === undefined) return { url: admissionUrl ?? '' };
  const [namespace = '', rest = ''] = admissionService.split('/');
  const [name = '', port = '443'] = rest.split(':');
  return { service: { namespace, name, port: Number(port) } };
}

function incomplete(what: string, where: string, todo: string): CrowsnestError {
  return new CrowsnestError({ code: 'CONFIG_BAD_VALUE', what, where, todo });
}
