/* SPDX-License-Identifier: ISC */
/* What a client can put into a request: the path, entity tags, and a body. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "daemon/plan.h"
#include "http_internal.h"
#include "rest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_path(char *text)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "BREW"};
    struct mird_http_request request = {0};
    char allow[HTTP_ALLOW_TEXT];
    if (http_unescape(text) != strlen(text))
        abort(); /* nothing hides behind a NUL */
    for (size_t i = 0; i < MIR_NELEMS(methods); i++) {
        const struct mird_http_route *route = http_route_find(
            mird_rest_routes, mird_rest_route_count, methods[i], text, &request, allow);
        if (route && strchr(route->pattern, '{') && request.param_count == 0)
            abort();
        for (unsigned k = 0; k < request.param_count; k++)
            if (strchr(request.params[k].value, '/') || !request.params[k].value[0])
                abort(); /* a parameter is one segment, and not empty */
    }
}

static void try_body(const char *text, size_t len)
{
    struct mird_http_request request = {0};
    struct mird_http_response response = {0};
    struct mird_request wanted = {0};
    struct mir_error err = {0};
    mir_buf_init(&request.body, MIRD_REST_BODY_MAX);
    if (mir_buf_add(&request.body, text, len))
        return;
    json_t *body = mird_http_body_json(&request, &err);
    if (!body || mird_request_from_json(body, &wanted, &err)) {
        if (!err.kind || !*err.text)
            abort(); /* every refusal says why, and can be said in JSON */
        mird_http_problem(&request, &response, 0, &err);
        json_t *problem = json_loads(response.owned, 0, NULL);
        if (!problem)
            abort();
        json_decref(problem);
        mird_http_response_clear(&response);
    }
    json_decref(body);
    mir_buf_clear(&request.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *text = mir_calloc(size, 1); /* the first byte chooses, a NUL ends */
    memcpy(text, data + 1, size - 1);
    switch (data[0] % 3) {
    case 0:
        try_path(text);
        break;
    case 1:
        mird_http_etag_named(text, "0123-4");
        http_word_in(text, "wait");
        break;
    default:
        try_body(text, size - 1);
        break;
    }
    free(text);
    return 0;
}
