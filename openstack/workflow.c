/* SPDX-License-Identifier: ISC */
#include "openstack/workflow.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/json.h"
#include "api/memory.h"
#include "tables.h"

static const struct mir_field workflow_fields[] = {
    MIR_MUST(struct os_workflow, id, "id", MIR_GET_TEXT),
    MIR_ROW(struct os_workflow, name, "name", MIR_GET_OWNED),
    MIR_ROW(struct os_workflow, created_s, "created_at", MIR_GET_TIME),
};
OS_TABLE(struct os_workflow, workflow);
OS_LIST_TABLE(struct os_workflows, workflows, "workflows", &workflow_table);

/* What is sent: the moment in words, in the one form that Mistral reads. */
struct create {
    const char *name, *workflow, *pattern, *first;
    const json_t *input;
    int64_t executions;
};

static const struct mir_field create_fields[] = {
    MIR_MUST(struct create, name, "name", MIR_PUT_TEXT),
    MIR_MUST(struct create, workflow, "workflow_name", MIR_PUT_TEXT),
    MIR_ROW(struct create, input, "workflow_input", MIR_PUT_JSON),
    MIR_ROW(struct create, pattern, "pattern", MIR_PUT_TEXT),
    MIR_ROW(struct create, first, "first_execution_time", MIR_PUT_TEXT),
    MIR_ROW(struct create, executions, "remaining_executions", MIR_PUT_NUMBER),
};
OS_TABLE(struct create, create);

static const struct mir_field trigger_fields[] = {
    MIR_MUST(struct os_trigger, name, "name", MIR_GET_OWNED),
    MIR_ROW(struct os_trigger, workflow, "workflow_name", MIR_GET_OWNED),
    MIR_ROW(struct os_trigger, pattern, "pattern", MIR_GET_OWNED),
    MIR_ROW(struct os_trigger, next_s, "next_execution_time", MIR_GET_TIME),
    MIR_ROW(struct os_trigger, executions, "remaining_executions", MIR_GET_NUMBER),
};
OS_TABLE(struct os_trigger, trigger);
OS_LIST_TABLE(struct os_triggers, triggers, "cron_triggers", &trigger_table);

enum { WORKFLOWS, DELETE_WORKFLOW, CREATE, GET, LIST, DELETE, MADE };

#define MISTRAL .service = OS_WORKFLOW
#define PAGES .reads = true, .paging = OS_PAGES_NEXT, .page_next = "next"

const struct os_operation os_workflow_operations[] = {
    [WORKFLOWS] = {MISTRAL, .name = "ListWorkflows", .method = "GET", .path = "/workflows",
                   .reply = &workflows_table, PAGES},
    [DELETE_WORKFLOW] = {MISTRAL, .name = "DeleteWorkflow", .method = "DELETE",
                         .path = "/workflows/%"},
    [CREATE] = {MISTRAL, .name = "CreateCronTrigger", .method = "POST", .path = "/cron_triggers",
                .request = &create_table, .reply = &trigger_table, .once = true},
    [GET] = {MISTRAL, .name = "ShowCronTrigger", .method = "GET", .path = "/cron_triggers/%",
             .reply = &trigger_table, .reads = true},
    [LIST] = {MISTRAL, .name = "ListCronTriggers", .method = "GET", .path = "/cron_triggers",
              .reply = &triggers_table, PAGES},
    [DELETE] = {MISTRAL, .name = "DeleteCronTrigger", .method = "DELETE",
                .path = "/cron_triggers/%"},
    [MADE] = {MISTRAL, .name = "CreateWorkflow", .method = "POST", .path = "/workflows",
              .reply = &workflows_table, .content_type = "text/plain", .accept_type = "*/*",
              /* it answers JSON, and says that it is text */ .once = true},
    {0},
};

int os_workflow_create(struct os_session *session, const char *definition, int64_t until_ms,
                       struct os_workflows *ret, struct mir_error *err)
{
    struct os_operation operation = os_workflow_operations[MADE];
    operation.body = definition;
    return os_operate(session, &operation, NULL, NULL, until_ms, ret, err);
}

int os_workflow_list(struct os_session *session, int64_t until_ms, struct os_workflows *ret,
                     struct mir_error *err)
{
    return os_operate_all(session, &os_workflow_operations[WORKFLOWS], NULL, NULL, until_ms, ret,
                          err);
}

int os_trigger_create(struct os_session *session, const struct os_create_trigger *args,
                      int64_t until_ms, struct os_trigger *ret, struct mir_error *err)
{
    char first[32] = "";
    time_t at = (time_t)((args->first_s + 59) / 60 * 60);
    struct tm tm;
    if (args->first_s &&
        (!gmtime_r(&at, &tm) || !strftime(first, sizeof first, "%Y-%m-%d %H:%M", &tm)))
        return mir_fail(err, MIR_USAGE, "the trigger's first time is none");
    struct create create = {.name = args->name,
                            .workflow = args->workflow,
                            .pattern = args->pattern,
                            .first = first,
                            .input = args->input,
                            .executions = args->executions};
    return os_operate(session, &os_workflow_operations[CREATE], NULL, &create, until_ms, ret, err);
}

int os_trigger_list(struct os_session *session, int64_t until_ms, struct os_triggers *ret,
                    struct mir_error *err)
{
    return os_operate_all(session, &os_workflow_operations[LIST], NULL, NULL, until_ms, ret, err);
}

OS_ACT_ON(os_workflow_delete, &os_workflow_operations[DELETE_WORKFLOW])
OS_GET_ONE(os_trigger_get, struct os_trigger, &os_workflow_operations[GET])
OS_ACT_ON(os_trigger_delete, &os_workflow_operations[DELETE])
OS_CLEAR(os_workflows_clear, struct os_workflows, &workflows_table)
OS_CLEAR(os_trigger_clear, struct os_trigger, &trigger_table)
OS_CLEAR(os_triggers_clear, struct os_triggers, &triggers_table)
