/* SPDX-License-Identifier: ISC */
/* /v1/kernels/{sha256} */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/kernel_store.h"
#include "rest.h"

static int read_digest(const struct mird_http_request *request, const char **ret,
                       struct mir_error *err)
{
    const char *sha256 = mird_http_param(request, "sha256");
    if (!mir_sha256_valid(sha256)) {
        mir_fail(err, MIR_USAGE, "'%.80s' is not a SHA-256 digest", sha256);
        return mir_error_hint(err, "64 lower-case hex digits, as sha256sum prints them");
    }
    *ret = sha256;
    return 0;
}

REST_HANDLER(rest_kernel_get)
{
    const struct mird_rest *rest = ctx;
    const char *sha256 = "";
    struct mir_kernel kernel;
    struct mir_error err;
    if (read_digest(request, &sha256, &err) ||
        mird_kernel_find(rest->core, sha256, rest_now_s(rest), &kernel, &err)) {
        if (err.kind == MIR_NOT_FOUND)
            mir_error_hint(&err, "store it with PUT %s", request->path);
        return rest_fail(request, response, &err);
    }
    return rest_json(response, 200, mir_kernel_to_json(&kernel));
}

REST_HANDLER(rest_kernel_delete)
{
    const struct mird_rest *rest = ctx;
    const char *sha256 = "";
    struct mir_error err = {0};
    if (read_digest(request, &sha256, &err) ||
        mird_engine_forget_kernel(rest->core->engine, sha256, &err))
        return rest_fail(request, response, &err);
    response->status = 204;
    return MIRD_HTTP_DONE;
}

/* Before the body: known already, too large, or no room? This may not block, so that a kernel whose
 * inspection is out of date is not known: it is taken, and inspected, once more. */
REST_HANDLER(rest_kernel_begin)
{
    const struct mird_rest *rest = ctx;
    const char *sha256 = "";
    struct mir_kernel kernel;
    struct mir_error err;
    if (read_digest(request, &sha256, &err))
        return rest_fail(request, response, &err);
    bool known = !mird_kernel_known(rest->core, sha256, &kernel, &err);
    if (known && mird_kernel_current(&kernel))
        return rest_json(response, 200, mir_kernel_to_json(&kernel));
    if (!known && err.kind != MIR_NOT_FOUND)
        return rest_fail(request, response, &err);
    if (request->content_length == UINT64_MAX)
        return MIRD_HTTP_LATER;
    if (request->content_length > rest->kernel_max_bytes) {
        mir_fail(&err, MIR_USAGE, "a kernel of %" PRIu64 " bytes; at most %" PRIu64 " are taken",
                 request->content_length, rest->kernel_max_bytes);
        mir_error_hint(&err, "raise kernel_max under [daemon] in the configuration");
        mird_http_problem(request, response, 413, &err);
        return MIRD_HTTP_DONE;
    }
    if (mird_kernel_room(rest->core->state_dir, request->content_length, &err))
        return rest_fail(request, response, &err);
    return MIRD_HTTP_LATER;
}

static void free_upload(void *upload)
{
    mird_upload_free(upload);
}

static int open_upload(const struct mird_rest *rest, struct mird_http_request *request,
                       struct mir_error *err)
{
    struct mird_upload *upload;
    if (request->state)
        return 0;
    if (mird_upload_begin(rest->core->state_dir, mird_http_param(request, "sha256"),
                          rest->kernel_max_bytes, &upload, err))
        return -1;
    request->state = upload;
    request->state_free = free_upload;
    return 0;
}

/* The part file goes at once with the failure, not with the end of a drained body. */
static int give_up(struct mird_http_request *request)
{
    mird_upload_free(request->state);
    request->state = NULL;
    request->state_free = NULL;
    return -1;
}

int rest_kernel_sink(void *ctx, struct mird_http_request *request, const void *data, size_t len,
                     struct mir_error *err)
{
    if (open_upload(ctx, request, err))
        return -1;
    return mird_upload_write(request->state, data, len, err) ? give_up(request) : 0;
}

REST_HANDLER(rest_kernel_put)
{
    const struct mird_rest *rest = ctx;
    struct mir_kernel kernel;
    struct mir_error err = {0};
    if (open_upload(rest, request, &err) ||
        mird_upload_finish(request->state, rest->core->helper_path, &kernel, &err) ||
        mird_store_kernel_put(rest->core->store, &kernel, rest_now_s(rest), &err))
        return rest_fail(request, response, &err);
    return rest_json(response, 201, mir_kernel_to_json(&kernel));
}
