/* SPDX-License-Identifier: ISC */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/id.h"
#include "api/json.h"
#include "api/memory.h"
#include "api/paths.h"

char *cmd_socket_path(struct mir_error *err)
{
    return mir_path_socket(err);
}

const char *cmd_text(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

long long cmd_number(const json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

char *cmd_target(const char *collection, const char *name, const char *rest)
{
    return mir_format("/v1/%s/%s%s", collection, name, rest ? rest : "");
}

int cmd_problem_json(struct cmd_context *ctx, const json_t *problem, struct mir_error *err)
{
    const char *detail = cmd_text(problem, "detail");
    if (!*detail)
        detail = cmd_text(problem, "text");
    if (!*detail)
        detail = cmd_text(problem, "title");
    mir_fail(err, mir_kind_by_name(cmd_text(problem, "code")), "%s",
             *detail ? detail : "the daemon gave no reason");
    if (*cmd_text(problem, "hint"))
        mir_error_hint(err, "%s", cmd_text(problem, "hint"));
    if (err) {
        err->http_status = (int)cmd_number(problem, "status");
        mir_copy(err->request_id, sizeof err->request_id, cmd_text(problem, "request_id"));
    }
    mir_copy(ctx->problem_provider, sizeof ctx->problem_provider, cmd_text(problem, "provider"));
    json_t *left = json_object_get(problem, "left_behind");
    if (json_is_array(left) && json_array_size(left) > 0) {
        json_decref(ctx->left_behind);
        ctx->left_behind = json_incref(left);
    }
    return -1;
}

int cmd_problem(struct cmd_context *ctx, const struct cmd_http_answer *answer,
                struct mir_error *err)
{
    json_t *problem =
        mir_json_parse(mir_buf_text(&answer->body), answer->body.len, CMD_HTTP_ANSWER_MAX, NULL);
    if (json_is_object(problem)) {
        cmd_problem_json(ctx, problem, err);
    } else {
        mir_fail(err, answer->status == 404 ? MIR_NOT_FOUND : MIR_FAILED,
                 "the daemon answered with status %d and no reason", answer->status);
        mir_error_hint(err, "look: mirage-deploy daemon status");
    }
    if (err)
        err->http_status = answer->status;
    json_decref(problem);
    return -1;
}

int cmd_call_with(struct cmd_context *ctx, struct cmd_http_request *request, const json_t *body,
                  json_t **ret, struct mir_error *err)
{
    mir_auto_free char *path = cmd_socket_path(err);
    if (!path)
        return -1;
    mir_auto_free char *text = body ? mir_json_text(body) : NULL;
    if (text) {
        request->body = text;
        request->body_len = strlen(text);
        size_t i = 0;
        while (request->fields[i])
            i++;
        request->fields[i] = "Content-Type: application/json";
    }
    struct cmd_http_answer answer;
    int rc = cmd_http_call(path, request, &answer, err);
    if (!rc && answer.status >= 300)
        rc = cmd_problem(ctx, &answer, err);
    json_t *json = NULL;
    if (!rc && ret && !request->on_body) {
        json = answer.body.len ? mir_json_parse(mir_buf_text(&answer.body), answer.body.len,
                                                CMD_HTTP_ANSWER_MAX, err)
                               : json_null();
        if (!json) {
            err->kind = MIR_CORRUPT;
            mir_error_wrap(err, "the daemon's answer");
            rc = mir_error_hint(err, "is another program listening at %s?", path);
        }
    }
    cmd_http_answer_clear(&answer);
    if (!rc && ret)
        *ret = json;
    return rc;
}

int cmd_call(struct cmd_context *ctx, const char *method, const char *target, const json_t *body,
             json_t **ret, struct mir_error *err)
{
    struct cmd_http_request request = {.method = method, .target = target};
    return cmd_call_with(ctx, &request, body, ret, err);
}

/* One page behind `after` ("" the first) into `list`; the id to go on from, "" none. */
static int add_page(struct cmd_context *ctx, bool all, char after[MIR_ID_TEXT], json_t *list,
                    struct mir_error *err)
{
    char target[96];
    json_t *page = NULL;
    snprintf(target, sizeof target, "/v1/deployments%s%s%s%s", all || *after ? "?" : "",
             all ? "all=1&" : "", *after ? "after=" : "", after);
    if (target[strlen(target) - 1] == '&')
        target[strlen(target) - 1] = '\0';
    if (cmd_call(ctx, "GET", target, NULL, &page, err))
        return -1;
    json_array_extend(list, json_object_get(page, "deployments"));
    mir_copy(after, MIR_ID_TEXT, cmd_text(page, "next"));
    json_decref(page);
    return 0;
}

int cmd_deployments(struct cmd_context *ctx, bool all, json_t **ret, struct mir_error *err)
{
    json_t *list = json_array();
    char after[MIR_ID_TEXT] = "";
    do {
        if (add_page(ctx, all, after, list, err)) {
            json_decref(list);
            return -1;
        }
    } while (*after);
    *ret = json_pack("{s:o}", "deployments", list);
    return 0;
}
