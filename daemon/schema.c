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
};

const size_t mird_schema_version = MIR_NELEMS(mird_schema);
