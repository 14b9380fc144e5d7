/**
 * Which series of a controller's /metrics page are kept: how often it reconciles, how long that takes, how it fails, and how much work
 * waits. The rest of such a page (the runtime's memory, request latencies by path) says little of custom resources and is most of it.
 */
export const KEPT_PREFIXES: readonly string[] = [
  'argocd_app_reconcile',
  'argocd_app_sync_total',
  'certmanager_certificate_ready_status',
  'certmanager_controller_sync_',
  'controller_runtime_active_workers',
  'controller_runtime_max_concurrent_reconciles',
  'controller_runtime_reconcile_',
  'controller_runtime_terminal_reconcile_errors_total',
  'controller_runtime_webhook_requests_total',
  'crossplane_',
  'custom_resources',
  'gotk_reconcile_',
  'keda_',
  'leader_election_master_status',
  'operator_sdk_reconciliations_',
  'prometheus_operator_ready',
  'prometheus_operator_reconcile_',
  'prometheus_operator_status_update_',
  'prometheus_operator_triggered_total',
  'prometheus_operator_workqueue_',
  'reconciliations_',
  'rest_client_requests_total',
  'strimzi_reconciliations_',
  'strimzi_resource',
  'workqueue_',
];

export function isKept(metric: string): boolean {
  // When a counter began is no measurement of its own; a counter that fell says the same.
  if (metric.endsWith('_created')) return false;
  return KEPT_PREFIXES.some((prefix) => metric.startsWith(prefix));
}
