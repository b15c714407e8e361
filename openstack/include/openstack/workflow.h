/* SPDX-License-Identifier: ISC */
/*
 * Mistral: something that the cloud does at a moment. A cron trigger runs a workflow, as whoever
 * made it (by a trust that Keystone keeps), so a server can be ended when nobody of ours is left.
 *
 * A trigger's first time is at least a minute ahead, in whole minutes, and comes up to two seconds
 * early. With the last of its executions the trust goes, and with it the token of what is still
 * under way: ask for more executions than are needed.
 *
 * Source: "Mistral REST API V2".
 */
#ifndef OPENSTACK_WORKFLOW_H
#define OPENSTACK_WORKFLOW_H

#include <jansson.h>

#include "openstack/session.h"

struct os_workflow {
    char id[OS_ID_TEXT];
    char *name;
    int64_t created_s;
};

struct os_workflows {
    struct os_workflow *rows;
    size_t count;
};

/* `definition` in Mistral's language (YAML, version 2.0), which names it. MIR_CONFLICT: the name is
 * taken. MIR_USAGE: it is none. */
int os_workflow_create(struct os_session *session, const char *definition, int64_t until_ms,
                       struct os_workflows *ret, struct mir_error *err);
int os_workflow_list(struct os_session *session, int64_t until_ms, struct os_workflows *ret,
                     struct mir_error *err);
int os_workflow_delete(struct os_session *session, const char *name, int64_t until_ms,
                       struct mir_error *err);
void os_workflows_clear(struct os_workflows *list);

struct os_create_trigger {
    const char *name, *workflow; /* both needed */
    const json_t *input;         /* of the workflow: an object; NULL: none */
    const char *pattern;         /* "* * * * *"; NULL: once */
    int64_t first_s;             /* UTC, rounded up to a minute; 0: as the pattern says */
    int64_t executions;          /* how many; 0: for ever */
};

struct os_trigger {
    char *name, *workflow, *pattern;
    int64_t next_s, executions; /* that are left */
};

struct os_triggers {
    struct os_trigger *rows;
    size_t count;
};

/* MIR_CONFLICT: the name is taken, which makes a second one harmless. */
int os_trigger_create(struct os_session *session, const struct os_create_trigger *args,
                      int64_t until_ms, struct os_trigger *ret, struct mir_error *err);
int os_trigger_get(struct os_session *session, const char *name, int64_t until_ms,
                   struct os_trigger *ret, struct mir_error *err);
int os_trigger_list(struct os_session *session, int64_t until_ms, struct os_triggers *ret,
                    struct mir_error *err);
int os_trigger_delete(struct os_session *session, const char *name, int64_t until_ms,
                      struct mir_error *err);
void os_trigger_clear(struct os_trigger *trigger);
void os_triggers_clear(struct os_triggers *list);

#endif
