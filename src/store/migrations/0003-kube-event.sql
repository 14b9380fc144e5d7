-- Kubernetes Events beside the changes of their objects. Bounded: rows of an object and rows in all, see src/store/kube-events.ts.

CREATE TABLE kube_event (
  id INTEGER PRIMARY KEY,
  cluster TEXT NOT NULL,
  uid TEXT NOT NULL,
  grp TEXT NOT NULL,
  version TEXT NOT NULL,
  kind TEXT NOT NULL,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  object_uid TEXT NOT NULL,
  type TEXT NOT NULL,
  reason TEXT NOT NULL,
  action TEXT NOT NULL,
  note TEXT NOT NULL,
  reported_by TEXT NOT NULL,
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  count INTEGER NOT NULL,
  UNIQUE (cluster, uid)
);
CREATE INDEX kube_event_by_object ON kube_event (cluster, grp, kind, namespace, name, last_ms);
CREATE INDEX kube_event_by_time ON kube_event (last_ms);
