/**
 * What a series of a controller's metrics page says of its reconciling, whichever library wrote it. Pure; shared by the model, which
 * judges the figures, and by the tie between controllers and their kinds.
 *
 * `controller` is the name a library gives the loop. Where a library names the kind instead, the loop is called after the kind.
 */
export type ReconcileRole = 'reconciles' | 'errors' | 'seconds' | 'timed' | 'queue';

export interface ReconcileSample {
  controller: string;
  role: ReconcileRole;
  /** The kind, where the series names it. */
  kind?: string;
  /** A failure that is also counted by a series of its own: used only where that one is missing. */
  isSummary?: boolean;
}

interface Family {
  role: ReconcileRole;
  /** Labels that may hold the controller's name, first come first served. */
  controller?: readonly string[];
  /** The label that holds the kind. */
  kind?: string;
}

const CONTROLLER = ['controller'];
const QUEUE = ['controller', 'name'];
const SDK = ['controller_name', 'controller'];

/** workqueue series have only `name` up to controller-runtime v0.18, `controller` too from v0.19, and `priority` on the depth from v0.21. */
const FAMILIES: Record<string, Family> = {
  controller_runtime_reconcile_total: { role: 'reconciles', controller: CONTROLLER },
  controller_runtime_reconcile_errors_total: { role: 'errors', controller: CONTROLLER },
  controller_runtime_reconcile_time_seconds_sum: { role: 'seconds', controller: CONTROLLER },
  controller_runtime_reconcile_time_seconds_count: { role: 'timed', controller: CONTROLLER },
  workqueue_depth: { role: 'queue', controller: QUEUE },
  certmanager_controller_sync_call_count: { role: 'reconciles', controller: CONTROLLER },
  certmanager_controller_sync_error_count: { role: 'errors', controller: CONTROLLER },
  gotk_reconcile_duration_seconds_sum: { role: 'seconds', kind: 'kind' },
  gotk_reconcile_duration_seconds_count: { role: 'timed', kind: 'kind' },
  prometheus_operator_reconcile_operations_total: { role: 'reconciles', controller: CONTROLLER },
  prometheus_operator_reconcile_errors_total: { role: 'errors', controller: CONTROLLER },
  prometheus_operator_reconcile_duration_seconds_sum: { role: 'seconds', controller: CONTROLLER },
  prometheus_operator_reconcile_duration_seconds_count: { role: 'timed', controller: CONTROLLER },
  prometheus_operator_workqueue_depth: { role: 'queue', controller: QUEUE },
  strimzi_reconciliations_total: { role: 'reconciles', kind: 'kind' },
  strimzi_reconciliations_failed_total: { role: 'errors', kind: 'kind' },
  strimzi_reconciliations_duration_seconds_sum: { role: 'seconds', kind: 'kind' },
  strimzi_reconciliations_duration_seconds_count: { role: 'timed', kind: 'kind' },
  // Java Operator SDK: the old names, then the newer ones; `kind` is a tag of both where the author keeps it.
  operator_sdk_reconciliations_started_total: { role: 'reconciles', controller: SDK, kind: 'kind' },
  operator_sdk_reconciliations_failed_total: { role: 'errors', controller: SDK, kind: 'kind' },
  reconciliations_started_total: { role: 'reconciles', controller: SDK, kind: 'kind' },
  reconciliations_failure_total: { role: 'errors', controller: SDK, kind: 'kind' },
  reconciliations_execution_duration_seconds_sum: { role: 'seconds', controller: SDK, kind: 'kind' },
  reconciliations_execution_duration_seconds_count: { role: 'timed', controller: SDK, kind: 'kind' },
  reconciliations_queue: { role: 'queue', controller: SDK, kind: 'kind' },
};

/** Undefined for a series that says nothing of one controller's reconciling. */
export function readReconcileSample(metric: string, labels: Record<string, string>): ReconcileSample | undefined {
  const family = Object.hasOwn(FAMILIES, metric) ? FAMILIES[metric] : undefined;
  if (family === undefined) return undefined;
  const kind = family.kind === undefined ? undefined : labels[family.kind];
  const named = family.controller?.map((label) => labels[label]).find((value) => value !== undefined && value !== '');
  const controller = named ?? kind?.toLowerCase();
  if (controller === undefined || controller === '') return undefined;
  return {
    controller,
    role: family.role,
    ...(kind === undefined || kind === '' ? {} : { kind }),
    ...(metric === 'controller_runtime_reconcile_errors_total' ? { isSummary: true } : {}),
  };
}

/**
 * True for the page of a replica that waits: with leader election only the leader reconciles, so what a standby shows is neither idleness
 * nor an empty queue. Where several elections are held in one process, one that is won is enough.
 */
export function isStandby(samples: readonly { metric: string; value: number }[]): boolean {
  const elections = samples.filter(({ metric }) => metric === 'leader_election_master_status');
  return elections.length > 0 && elections.every(({ value }) => value === 0);
}
