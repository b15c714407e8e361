/* SPDX-License-Identifier: ISC */
#include "schema.h"

#include "api/error.h"

const char *const mird_schema[] = {
    /* 1: the first release. Rows are JSON records; columns are what is looked up by. */
    "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE kernels (sha256 TEXT PRIMARY KEY, added_s INTEGER NOT NULL,"
    " record TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE deployments (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " name TEXT NOT NULL, provider TEXT NOT NULL, final INTEGER NOT NULL,"
    " created_s INTEGER NOT NULL, deadline_s INTEGER NOT NULL, version INTEGER NOT NULL,"
    " record TEXT NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX deployment_live_name ON deployments (name) WHERE final = 0;"
    "CREATE INDEX deployment_name ON deployments (name);"
    "CREATE TABLE operations (id TEXT PRIMARY KEY, kind TEXT NOT NULL,"
    " deployment TEXT NOT NULL REFERENCES deployments (id), name TEXT NOT NULL,"
    " created_s INTEGER NOT NULL, finished_s INTEGER NOT NULL, failed INTEGER NOT NULL,"
    " error_code TEXT NOT NULL, error_text TEXT NOT NULL, error_hint TEXT NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE INDEX operation_running ON operations (deployment) WHERE finished_s = 0;"
    "CREATE TABLE idempotency (key TEXT PRIMARY KEY, body_sha TEXT NOT NULL,"
    " deployment TEXT NOT NULL, operation TEXT NOT NULL, created_s INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL,"
    " deployment TEXT NOT NULL REFERENCES deployments (id), kind TEXT NOT NULL,"
    " state TEXT NOT NULL, text TEXT NOT NULL) STRICT;"
    "CREATE INDEX event_deployment ON events (deployment, id);"
    "CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, at_s INTEGER NOT NULL,"
    " who TEXT NOT NULL, what TEXT NOT NULL, subject TEXT NOT NULL, hash TEXT NOT NULL) STRICT;"
    "CREATE TABLE sites (name TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    /* Only a database made new has it: what runs already is taken up (reconcile.c). */
    "INSERT INTO settings VALUES ('rebuild', 'wanted');",
    /* The audit log tells more, and is append-only for every program that opens the file. */
    "ALTER TABLE audit RENAME COLUMN at_s TO at_ms;"
    "UPDATE audit SET at_ms = at_ms * 1000;"
    "ALTER TABLE audit ADD COLUMN deployment TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE audit ADD COLUMN detail TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE audit ADD COLUMN form INTEGER NOT NULL DEFAULT 1;"
    "CREATE INDEX audit_deployment ON audit (deployment, id) WHERE deployment <> '';"
    "CREATE TRIGGER audit_never_changed BEFORE UPDATE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;"
    "CREATE TRIGGER audit_never_removed BEFORE DELETE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;"
    "CREATE TRIGGER audit_never_replaced BEFORE INSERT ON audit"
    " WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)"
    " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;",
    /* Which daemon acts (epoch.h). */
    "CREATE TABLE acting (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL,"
    " holder TEXT NOT NULL, beat INTEGER NOT NULL, pid INTEGER NOT NULL, since_s INTEGER NOT NULL,"
    " socket TEXT NOT NULL) STRICT;"
    "INSERT INTO acting VALUES (1, 0, '', 0, 0, 0, '');",
    /* What a million leases are looked up by: no document is decoded for it. The numbers of the
     * states are those of enum mird_state; wake_s 0 is looked at with the next start. */
    "ALTER TABLE deployments ADD COLUMN wake_s INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE deployments ADD COLUMN state INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE deployments ADD COLUMN token_hint TEXT NOT NULL DEFAULT '';"
    "UPDATE deployments SET token_hint = substr(json_extract(record, '$.token'), 1, 8),"
    " state = CASE WHEN final <> 0 AND (json_extract(record, '$.seen_running') OR"
    "   json_extract(record, '$.end_reason') = 2) THEN 7"
    "  WHEN final <> 0 THEN 8"
    "  WHEN json_extract(record, '$.stuck') THEN 9"
    "  WHEN json_extract(record, '$.end_reason') <> 0 THEN 6"
    "  WHEN json_extract(record, '$.seen_live') THEN 5"
    "  WHEN json_extract(record, '$.seen_running') THEN 4"
    "  WHEN json_extract(record, '$.steps[1]') <> 0 THEN 3 ELSE 0 END;"
    "CREATE INDEX deployment_open ON deployments (wake_s, deadline_s, id, provider)"
    " WHERE final = 0;"
    "CREATE INDEX deployment_live ON deployments (final) WHERE final = 0;"
    "CREATE INDEX deployment_token ON deployments (token_hint) WHERE final = 0;"
    "CREATE INDEX deployment_state ON deployments (state, deadline_s);"
    "CREATE TABLE ports (host_port INTEGER NOT NULL, deployment TEXT NOT NULL,"
    " address TEXT NOT NULL, PRIMARY KEY (host_port, deployment, address)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX port_deployment ON ports (deployment);"
    "INSERT OR IGNORE INTO ports SELECT json_extract(port.value, '$[1]'), d.id,"
    " json_extract(port.value, '$[0]') FROM deployments d, json_each(d.record, '$.ports') port"
    " WHERE d.final = 0 AND json_extract(port.value, '$[1]') > 0;"
    "INSERT OR IGNORE INTO ports SELECT json_extract(port.value, '$[1]'), d.id,"
    " json_extract(port.value, '$[0]') FROM deployments d,"
    " json_each(d.record, '$.instance.ports') port"
    " WHERE d.final = 0 AND json_extract(port.value, '$[1]') > 0;",
    /* No other tables, but checksums on all pages (store_pages.c rewrites the file before). */
    "",
    /* Receipts: verbatim, since the audit log has their hashes. */
    "CREATE TABLE receipts (deployment TEXT PRIMARY KEY REFERENCES deployments (id),"
    " at_ms INTEGER NOT NULL, sha256 TEXT NOT NULL, document TEXT NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TRIGGER receipt_never_changed BEFORE UPDATE ON receipts"
    " BEGIN SELECT RAISE(ABORT, 'receipts are kept as they were written'); END;"
    "CREATE TRIGGER receipt_never_removed BEFORE DELETE ON receipts"
    " BEGIN SELECT RAISE(ABORT, 'receipts are kept as they were written'); END;",
    /* What happened to a deployment is found from its row, each line naming the one before: an
     * index by deployment cost more than the lines themselves. And late rows (store_late.h). */
    "ALTER TABLE deployments ADD COLUMN last_event INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE deployments ADD COLUMN last_audit INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE events ADD COLUMN previous INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE audit ADD COLUMN previous INTEGER NOT NULL DEFAULT 0;"
    "DROP TRIGGER audit_never_changed;"
    "UPDATE events SET previous = COALESCE((SELECT MAX(e.id) FROM events e"
    " WHERE e.deployment = events.deployment AND e.id < events.id), 0);"
    "UPDATE audit SET previous = COALESCE((SELECT MAX(a.id) FROM audit a"
    " WHERE a.deployment = audit.deployment AND a.deployment <> '' AND a.id < audit.id), 0)"
    " WHERE deployment <> '';"
    "UPDATE deployments SET last_event = COALESCE((SELECT MAX(e.id) FROM events e"
    " WHERE e.deployment = deployments.id), 0), last_audit = COALESCE((SELECT MAX(a.id)"
    " FROM audit a WHERE a.deployment = deployments.id AND a.deployment <> ''), 0);"
    "CREATE TRIGGER audit_never_changed BEFORE UPDATE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;"
    "DROP INDEX event_deployment;"
    "DROP INDEX audit_deployment;"
    "CREATE TABLE late (n INTEGER PRIMARY KEY, bytes INTEGER NOT NULL, body TEXT NOT NULL) STRICT;",
    /* What a deployment may cost until its deadline (cost.h); until now nothing did. */
    "ALTER TABLE deployments ADD COLUMN worst_micro INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX deployment_worst ON deployments (worst_micro, id, name)"
    " WHERE final = 0 AND worst_micro <> 0;",
};

const size_t mird_schema_version = MIR_NELEMS(mird_schema);
