/* SPDX-License-Identifier: ISC */
/* /v1/kernels/{sha256} */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/kernel_store.h"
#include "rest.h"

REST_HANDLER(rest_kernel_get)
{
    const struct mird_rest *rest = ctx;
    const char *sha256 = "";
    struct mir_kernel kernel;
    struct mir_error err;
    if (rest_digest(request, &sha256, &err) ||
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
    if (rest_digest(request, &sha256, &err) ||
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
    if (rest_digest(request, &sha256, &err))
        return rest_fail(request, response, &err);
    bool known = !mird_kernel_known(rest->core, sha256, &kernel, &err);
    if (known && mird_kernel_current(&kernel))
        return rest_json(response, 200, mir_kernel_to_json(&kernel));
    if (!known && err.kind != MIR_NOT_FOUND)
        return rest_fail(request, response, &err);
    if (request->content_length == UINT64_MAX)
        return MIRD_HTTP_LATER;
    if (request->content_length > rest->kernel_max_bytes)
        return rest_too_large(rest, request, response, "kernel");
    if (mird_depot_room(&mird_depot_kernels, rest->core->state_dir, request->content_length, &err))
        return rest_fail(request, response, &err);
    return MIRD_HTTP_LATER;
}

int rest_kernel_sink(void *ctx, struct mird_http_request *request, const void *data, size_t len,
                     struct mir_error *err)
{
    return rest_upload_take(ctx, request, &mird_depot_kernels, data, len, err);
}

REST_HANDLER(rest_kernel_put)
{
    const struct mird_rest *rest = ctx;
    struct mir_kernel kernel;
    struct mir_error err = {0};
    if (rest_upload_open(rest, request, &mird_depot_kernels, &err) ||
        mird_kernel_finish(request->state, mird_http_param(request, "sha256"),
                           rest->core->helper_path, &kernel, &err) ||
        mird_store_kernel_put(rest->core->store, &kernel, rest_now_s(rest), &err))
        return rest_fail(request, response, &err);
    return rest_json(response, 201, mir_kernel_to_json(&kernel));
}
