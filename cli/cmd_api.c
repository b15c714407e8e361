/* SPDX-License-Identifier: ISC */
/* api METHOD PATH [--data JSON]: the answer's body as it is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/json.h"
#include "api/memory.h"
#include "client.h"

#define INPUT_MAX (8u << 20)

static int read_input(struct mir_buf *ret, struct mir_error *err)
{
    char piece[8192];
    for (;;) {
        ssize_t n = read(STDIN_FILENO, piece, sizeof piece);
        if (n < 0 && errno != EINTR)
            return mir_fail_errno(err, errno, "cannot read standard input");
        if (n == 0)
            return 0;
        if (n > 0 && mir_buf_add(ret, piece, (size_t)n))
            return mir_fail(err, MIR_USAGE, "more than %u bytes on standard input", INPUT_MAX);
    }
}

static int on_body(void *ctx, const char *data, size_t len, struct mir_error *err)
{
    const struct cmd_context *c = ctx;
    (void)err;
    cmd_term_text(&c->out, data, len);
    fflush(c->out.file);
    return ferror(c->out.file) ? 1 : 0;
}

/* --json promises one document: an answer of another type goes into one. */
static int print_as_json(struct cmd_context *ctx, const struct cmd_http_answer *answer)
{
    json_t *body =
        mir_json_parse(mir_buf_text(&answer->body), answer->body.len, CMD_HTTP_ANSWER_MAX, NULL);
    if (!body) {
        json_t *text = json_stringn(mir_buf_text(&answer->body), answer->body.len);
        body = json_pack("{s:i, s:s, s:o}", "status", answer->status, "content_type",
                         answer->content_type, "text", text ? text : json_null());
    }
    cmd_print_json(ctx, body);
    json_decref(body);
    return 0;
}

int cmd_api(struct cmd_context *ctx, struct mir_error *err)
{
    const char *data = cmd_args_text(&ctx->args, OPT_DATA);
    mir_auto_buf struct mir_buf input;
    mir_buf_init(&input, INPUT_MAX);
    if (data && !strcmp(data, "-") && read_input(&input, err))
        return -1;
    if (data && strcmp(data, "-") && mir_buf_adds(&input, data))
        return mir_fail(err, MIR_USAGE, "--data is longer than %u bytes", INPUT_MAX);
    mir_auto_free char *path = cmd_socket_path(err);
    if (!path)
        return -1;
    struct cmd_http_request request = {.method = cmd_args_text(&ctx->args, OPT_METHOD),
                                       .target = cmd_args_text(&ctx->args, OPT_PATH),
                                       .body = data ? mir_buf_text(&input) : NULL,
                                       .body_len = input.len,
                                       .timeout_ms = 330000,
                                       .on_body = ctx->json ? NULL : on_body,
                                       .on_body_ctx = ctx};
    if (data)
        request.fields[0] = "Content-Type: application/json";
    struct cmd_http_answer answer;
    int rc = cmd_http_call(path, &request, &answer, err);
    if (!rc && answer.status >= 300)
        rc = cmd_problem(ctx, &answer, err);
    else if (!rc && ctx->json)
        rc = print_as_json(ctx, &answer);
    cmd_http_answer_clear(&answer);
    return rc;
}
