/* SPDX-License-Identifier: ISC */
#include "mistral.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/clock.h"
#include "api/memory.h"
#include "cron.h"
#include "os_wording.h"

#define WORKFLOW "os-workflow"
#define TRIGGER "os-cron-trigger"
#define EXECUTION "os-execution"
#define MINUTE_MS 60000
#define DEFINITION_MAX 65536

static json_t *show(const struct fc_object *object)
{
    json_t *shown = fos_public(object->doc);
    json_object_set_new(shown, "id", json_string(object->id));
    json_object_set(shown, "project_id", fc_at(object->doc, "_project"));
    json_object_set_new(shown, "created_at", fos_time(object->created_ms));
    json_object_set_new(shown, "updated_at", fos_time(object->created_ms));
    json_object_set_new(shown, "scope", json_string("private"));
    return shown;
}

/* By id or by name. */
static struct fc_object *find(const struct fc_call *call, const char *kind, const char *word)
{
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, kind, call->region));)
        if (!o->gone_ms && fos_mine(call, o) &&
            (!strcmp(o->id, word) || !strcmp(fc_text_at(o->doc, "name"), word)))
            return o;
    return NULL;
}

static int not_found(const struct fc_call *call, struct fc_refusal *refusal, const char *what)
{
    return fos_refuse(call, refusal, 404, "%s not found [identifier=%.64s]", what,
                      call->segments[0]);
}

static int list(struct fc_call *call, const char *kind, const char *plural, json_t **ret_reply)
{
    json_t *rows = json_array();
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, kind, call->region));)
        if (!o->gone_ms && fos_mine(call, o))
            json_array_append_new(rows, show(o));
    *ret_reply = json_pack("{s:o}", plural, rows);
    return 0;
}

/* --- workflows --- */

/* The value of "NAME: VALUE" anywhere in the text, without quotes; false: it is not there. */
static bool word_of(const char *text, const char *name, char *out, size_t size)
{
    mir_auto_free char *key = mir_format("%s:", name);
    const char *at = text;
    while ((at = strstr(at, key)) && at > text && at[-1] != ' ' && at[-1] != '\n')
        at++;
    if (!at)
        return false;
    at += strlen(key);
    at += strspn(at, " ");
    bool quoted = *at == '"' || *at == '\'';
    size_t len = quoted ? strcspn(at + 1, "\"'\n") : strcspn(at, "\r\n");
    snprintf(out, size, "%.*s", (int)len, at + quoted);
    return true;
}

/* The first name at the left margin, apart from "version". */
static bool name_of(const char *text, char out[256])
{
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        size_t len = strcspn(line, ":\n");
        if (len && line[len] == ':' && *line != ' ' && *line != '#' && *line != '-' &&
            strncmp(line, "version", len) != 0 && len < 256) {
            snprintf(out, 256, "%.*s", (int)len, line);
            return true;
        }
    }
    return false;
}

static int create_workflow(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const struct fc_body *body = &call->request->body;
    const char *text = body->fd < 0 ? mir_buf_text(&body->memory) : "";
    char name[256], id[37];
    if (body->len > DEFINITION_MAX || !strstr(text, "version:") || !name_of(text, name))
        return fos_refuse(call, refusal, 400, "Invalid DSL: no version, or no workflow in it");
    if (!strstr(text, "std."))
        return fos_refuse(call, refusal, 400, "Invalid DSL: this fake knows std.* actions only");
    if (find(call, WORKFLOW, name))
        return fos_refuse(call, refusal, 409,
                          "Duplicate entry for WorkflowDefinition ['name', "
                          "'namespace', 'project_id']: %.200s",
                          name);
    fc_uuid(id);
    const struct fc_object *workflow =
        fos_add(call, WORKFLOW, id,
                json_pack("{s:s,s:s,s:s,s:s,s:[]}", "name", name, "definition", text, "input", "",
                          "namespace", "", "tags"));
    *ret_reply = json_pack("{s:[o]}", "workflows", show(workflow));
    return 0;
}

static int list_workflows(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return list(call, WORKFLOW, "workflows", ret_reply);
}

static int get_workflow(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const struct fc_object *workflow = find(call, WORKFLOW, call->segments[0]);
    if (!workflow)
        return not_found(call, refusal, "Workflow");
    *ret_reply = show(workflow);
    return 0;
}

static int delete_workflow(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *workflow = find(call, WORKFLOW, call->segments[0]);
    if (!workflow)
        return not_found(call, refusal, "Workflow");
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, TRIGGER, call->region));)
        if (!strcmp(fc_text_at(o->doc, "workflow_id"), workflow->id))
            return fos_refuse(call, refusal, 400,
                              "Can't delete workflow that has cron_triggers associated");
    fc_store_gone(call->world->store, workflow, &call->cause, 0);
    return 0;
}

/* --- triggers --- */

static json_t *moment(int64_t ms)
{
    char text[MIR_TIME_SIZE];
    mir_time_format(ms / 1000, text);
    return json_sprintf("%.10s %.8s", text, text + 11);
}

/* "2026-11-30 18:30", UTC. 0: none was given; -1: it is not of that form. */
static int64_t read_first_ms(const json_t *said)
{
    char zoned[24];
    int64_t at_s;
    const char *text = fos_text(said, "first_execution_time", NULL);
    if (!text)
        return 0;
    snprintf(zoned, sizeof zoned, "%.10sT%.5s:00Z", text, strlen(text) > 11 ? text + 11 : "");
    return strlen(text) != 16 || mir_time_parse(zoned, &at_s, NULL) ? -1 : at_s * 1000;
}

static int check_trigger(const struct fc_call *call, const json_t *said, int64_t first_ms,
                         struct fc_refusal *refusal)
{
    const char *pattern = fos_text(said, "pattern", NULL), *name = fos_text(said, "name", "");
    json_int_t count = json_integer_value(fc_at(said, "remaining_executions"));
    if (!*name)
        return fos_refuse(call, refusal, 400, "name is missing");
    if (!pattern && !first_ms)
        return fos_refuse(call, refusal, 400, "Pattern or first_execution_time must be specified.");
    if (first_ms < 0)
        return fos_refuse(call, refusal, 400,
                          "Execution time must be in the format YYYY-MM-DD HH:MM");
    if (first_ms && first_ms < call->now_ms + MINUTE_MS)
        return fos_refuse(call, refusal, 400,
                          "first_execution_time must be at least 1 minute in the future.");
    if (pattern && !fos_cron_valid(pattern))
        return fos_refuse(call, refusal, 400, "The specified pattern is not valid: %.60s", pattern);
    if (!pattern && count > 1)
        return fos_refuse(call, refusal, 400,
                          "Pattern must be provided if count is superior to 1.");
    return find(call, TRIGGER, name)
               ? fos_refuse(call, refusal, 409, "Duplicate entry for cron trigger %.64s", name)
               : 0;
}

static int create_trigger(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const json_t *said = call->params;
    const char *pattern = fos_text(said, "pattern", NULL);
    const char *word = fos_text(said, "workflow_name", fos_text(said, "workflow_id", ""));
    const struct fc_object *workflow = find(call, WORKFLOW, word);
    int64_t first_ms = read_first_ms(said);
    char id[37];
    if (check_trigger(call, said, first_ms, refusal))
        return -1;
    if (!workflow)
        return fos_refuse(call, refusal, 404, "Workflow not found [workflow_identifier=%.64s]",
                          word);
    json_int_t count = json_integer_value(fc_at(said, "remaining_executions"));
    int64_t next_ms = first_ms ? first_ms : fos_cron_next(pattern, call->now_ms / 1000) * 1000;
    json_t *input = json_deep_copy(fc_at(said, "workflow_input"));
    fc_uuid(id);
    json_t *doc = json_pack("{s:s,s:O,s:s,s:o,s:s,s:o,s:I,s:s}", "name", fos_text(said, "name", ""),
                            "workflow_name", fc_at(workflow->doc, "name"), "workflow_id",
                            workflow->id, "workflow_input", input ? input : json_object(),
                            "pattern", pattern ? pattern : "", "next_execution_time",
                            moment(next_ms), "remaining_executions",
                            pattern && !count ? (json_int_t)-1
                            : count           ? count
                                              : (json_int_t)1,
                            "_user", fos_of(call)->user);
    struct fc_object *trigger = fos_add(call, TRIGGER, id, doc);
    trigger->due_ms = next_ms;
    *ret_reply = show(trigger);
    return 0;
}

static int list_triggers(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return list(call, TRIGGER, "cron_triggers", ret_reply);
}

static int get_trigger(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const struct fc_object *trigger = find(call, TRIGGER, call->segments[0]);
    if (!trigger)
        return not_found(call, refusal, "Cron trigger");
    *ret_reply = show(trigger);
    return 0;
}

static int delete_trigger(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *trigger = find(call, TRIGGER, call->segments[0]);
    if (!trigger)
        return not_found(call, refusal, "Cron trigger");
    fc_store_gone(call->world->store, trigger, &call->cause, 0);
    return 0;
}

static int list_executions(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return list(call, EXECUTION, "executions", ret_reply);
}

/* --- fired --- */

/* "<% $.url %>" is a member of the input; anything else is itself. Owned. */
static char *meant(const char *word, const json_t *input)
{
    const char *at = strstr(word, "$.");
    if (!at || !strstr(word, "<%"))
        return mir_strdup(word);
    mir_auto_free char *name = mir_format("%.*s", (int)strcspn(at + 2, " %>"), at + 2);
    const char *value = json_string_value(json_object_get(input, name));
    return mir_strdup(value ? value : "");
}

/* A DELETE of a server here: what came of it as a status. */
static int act(struct fc_world *world, struct fc_object *trigger, const char *url,
               const char *token, const struct fc_cause *cause)
{
    const char *path = strstr(url, FOS_PREFIX "/"), *last = strrchr(url, '/');
    for (const char *const *region = fos_regions; path && last && *region; region++) {
        mir_auto_free char *servers = mir_format(FOS_PREFIX "/%s/compute/v2.1/servers/", *region);
        if (strncmp(path, servers, strlen(servers)) != 0)
            continue;
        return fos_server_delete_by(world, *region, last + 1, fc_text_at(trigger->doc, "_project"),
                                    token, cause)
                   ? 204
                   : 404;
    }
    return 0;
}

/* A token of the trust, as the workflow has it. */
static struct fc_object *trusted(struct fc_world *world, const struct fc_object *trigger,
                                 const struct fc_cause *cause)
{
    char id[33];
    fos_hex_id(id);
    mir_auto_free char *text = mir_format("gAAAAATRUST%s", id);
    return fc_store_add(
        world->store, "os-token", "", text,
        json_pack("{s:O,s:O,s:s,s:[s],s:[s],s:[],s:I,s:I}", "user", fc_at(trigger->doc, "_user"),
                  "project", fc_at(trigger->doc, "_project"), "application", "", "roles", "member",
                  "methods", "token", "audit_ids", "issued_ms", (json_int_t)cause->now_ms,
                  "expires_ms", (json_int_t)(cause->now_ms + 3600000)),
        cause);
}

static void execute(struct fc_world *world, struct fc_object *trigger, bool last,
                    const struct fc_cause *cause)
{
    const struct fc_object *workflow = fc_store_get(world->store, WORKFLOW, trigger->region,
                                                    fc_text_at(trigger->doc, "workflow_id"));
    const char *text = workflow ? fc_text_at(workflow->doc, "definition") : "";
    char url_word[1024] = "", method[64] = "GET", id[37];
    struct fc_fault fault;
    struct fc_object *token = trusted(world, trigger, cause);
    word_of(text, "url", url_word, sizeof url_word);
    word_of(text, "method", method, sizeof method);
    mir_auto_free char *url = meant(url_word, fc_at(trigger->doc, "workflow_input"));
    fos_step(world, "mistral", "Execute", trigger, cause, &fault);
    bool tells = strstr(text, "X-Auth-Token") != NULL;
    int status = fault.when == FC_FAULT_BEFORE ? 500
                 : !tells                      ? 401
                 : strcmp(method, "DELETE")    ? 405
                                               : act(world, trigger, url, token->id, cause);
    bool done = status >= 200 && status < 300 && !fault.when;
    if (last) /* the trust goes, and its token with it */
        fc_store_gone(world->store, token, cause, 0);
    fc_uuid(id);
    fc_store_add(
        world->store, EXECUTION, trigger->region, id,
        json_pack("{s:O,s:s,s:o,s:O,s:O}", "workflow_name", fc_at(trigger->doc, "workflow_name"),
                  "state", done ? "SUCCESS" : "ERROR", "state_info",
                  json_sprintf("%s %s: %d", method, url, status), "name",
                  fc_at(trigger->doc, "name"), "_project", fc_at(trigger->doc, "_project")),
        cause);
}

void fos_tick_trigger(struct fc_world *world, struct fc_object *trigger,
                      const struct fc_cause *time)
{
    char request[80];
    snprintf(request, sizeof request, "%.64s", fc_text_at(trigger->doc, "name"));
    const struct fc_cause cause = {"mistral.Execute", request, time->now_ms};
    json_int_t left = json_integer_value(fc_at(trigger->doc, "remaining_executions"));
    const char *pattern = fc_text_at(trigger->doc, "pattern");
    execute(world, trigger, left == 1, &cause);
    json_t *doc = fc_store_edit(world->store, trigger, cause.now_ms, 0);
    int64_t next_s = *pattern ? fos_cron_next(pattern, cause.now_ms / 1000) : 0;
    if (left == 1 || !next_s) {
        fc_store_gone(world->store, trigger, &cause, 0);
        return;
    }
    if (left > 0)
        json_object_set_new(doc, "remaining_executions", json_integer(left - 1));
    json_object_set_new(doc, "next_execution_time", moment(next_s * 1000));
    trigger->due_ms = next_s * 1000;
}

/* --- the table --- */

static int get_versions(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    mir_auto_free char *url = fos_url(call, FOS_WORKFLOW, call->region);
    *ret_reply = json_pack("{s:[{s:s,s:s,s:[{s:o,s:s,s:s}]}]}", "versions", "id", "v2.0", "status",
                           "CURRENT", "links", "href", json_sprintf("%s/v2", url), "target", "v2",
                           "rel", "self");
    return 0;
}

static const struct fc_operation operations[] = {
    {"GetVersions", get_versions, NULL, "GET", "/", NULL, FC_OP_UNSIGNED, 0},
    {"CreateWorkflow", create_workflow, NULL, "POST", "/v2/workflows", NULL, FC_OP_NO_BODY, 201},
    {"ListWorkflows", list_workflows, NULL, "GET", "/v2/workflows", NULL, 0, 0},
    {"GetWorkflow", get_workflow, NULL, "GET", "/v2/workflows/{}", NULL, 0, 0},
    {"DeleteWorkflow", delete_workflow, NULL, "DELETE", "/v2/workflows/{}", NULL, 0, 204},
    {"CreateCronTrigger", create_trigger, NULL, "POST", "/v2/cron_triggers", NULL, 0, 201},
    {"ListCronTriggers", list_triggers, NULL, "GET", "/v2/cron_triggers", NULL, 0, 0},
    {"GetCronTrigger", get_trigger, NULL, "GET", "/v2/cron_triggers/{}", NULL, 0, 0},
    {"DeleteCronTrigger", delete_trigger, NULL, "DELETE", "/v2/cron_triggers/{}", NULL, 0, 204},
    {"ListExecutions", list_executions, NULL, "GET", "/v2/executions", NULL, 0, 0},
    {.name = NULL},
};

const struct fc_service fos_mistral = {.name = "mistral", .operations = operations};
