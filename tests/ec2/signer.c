/* SPDX-License-Identifier: ISC */
/* What tests/ec2/judge.py judges: one request per line of JSON on stdin (tests/unit/ec2_sign_case.h
 * says what it holds), one line of JSON with its signature on stdout. */
#include <stdio.h>
#include <stdlib.h>

#include "api/json.h"
#include "ec2_sign_case.h"

static json_t *answer(const json_t *request)
{
    ec2_auto_signed struct ec2_signed made = {0};
    struct mir_error err = {0};
    if (sign_case(request, &made, &err))
        return json_pack("{s:s}", "error", err.text);
    json_t *headers = json_object();
    for (size_t i = 0; i < made.added_count; i++)
        json_object_set_new(headers, made.added[i].name, json_string(made.added[i].value));
    return json_pack("{s:s, s:s, s:s, s:o}", "signature", made.signature, "target",
                     mir_buf_text(&made.target), "canonical", mir_buf_text(&made.canonical),
                     "headers", headers);
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    for (ssize_t len; (len = getline(&line, &cap, stdin)) > 0;) {
        struct mir_error err = {0};
        json_t *request = mir_json_parse(line, (size_t)len, 1 << 20, &err);
        if (!request) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        json_t *made = answer(request);
        mir_auto_free char *text = mir_json_text(made);
        puts(text);
        fflush(stdout);
        json_decref(made);
        json_decref(request);
    }
    free(line);
    return 0;
}
