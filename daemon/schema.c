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
};

const size_t mird_schema_version = MIR_NELEMS(mird_schema);
