/* SPDX-License-Identifier: ISC */
/* /v1/blocks/{sha256}: the contents of block devices. */
#include <inttypes.h>
#include <string.h>

#include "daemon/block_store.h"
#include "daemon/upload.h"
#include "images/block.h"
#include "rest.h"

static json_t *block_json(const char *sha256, uint64_t bytes)
{
    return json_pack("{s:s,s:I}", "sha256", sha256, "bytes", (json_int_t)bytes);
}

REST_HANDLER(rest_block_get)
{
    const struct mird_rest *rest = ctx;
    const char *sha256 = "";
    uint64_t bytes;
    struct mir_error err = {0};
    if (rest_digest(request, &sha256, &err) || mird_block_find(rest->core, sha256, &bytes, &err))
        return rest_fail(request, response, &err);
    return rest_json(response, 200, block_json(sha256, bytes));
}

REST_HANDLER(rest_block_delete)
{
    const struct mird_rest *rest = ctx;
    const char *sha256 = "";
    struct mir_error err = {0};
    if (rest_digest(request, &sha256, &err) || mird_block_forget(rest->core->engine, sha256, &err))
        return rest_fail(request, response, &err);
    response->status = 204;
    return MIRD_HTTP_DONE;
}

/* Before the body: there already, of a length that cannot be, too large, or no room? */
REST_HANDLER(rest_block_begin)
{
    const struct mird_rest *rest = ctx;
    const char *sha256 = "";
    uint64_t bytes, sent = request->content_length;
    struct mir_error err = {0};
    if (rest_digest(request, &sha256, &err))
        return rest_fail(request, response, &err);
    if (!mird_block_find(rest->core, sha256, &bytes, &err))
        return rest_json(response, 200, block_json(sha256, bytes));
    if (err.kind != MIR_NOT_FOUND)
        return rest_fail(request, response, &err);
    if (sent == UINT64_MAX)
        return MIRD_HTTP_LATER;
    if (img_block_bytes_check("that is sent", sent, &err))
        return rest_fail(request, response, &err);
    if (sent > rest->kernel_max_bytes)
        return rest_too_large(rest, request, response, "block device");
    if (mird_depot_room(&mird_depot_blocks, rest->core->state_dir, sent, &err))
        return rest_fail(request, response, &err);
    return MIRD_HTTP_LATER;
}

int rest_block_sink(void *ctx, struct mird_http_request *request, const void *data, size_t len,
                    struct mir_error *err)
{
    return rest_upload_take(ctx, request, &mird_depot_blocks, data, len, err);
}

REST_HANDLER(rest_block_put)
{
    const struct mird_rest *rest = ctx;
    struct mir_error err = {0};
    if (rest_upload_open(rest, request, &mird_depot_blocks, &err) ||
        mird_block_finish(request->state, &err))
        return rest_fail(request, response, &err);
    return rest_json(
        response, 201,
        block_json(mird_http_param(request, "sha256"), mird_upload_bytes(request->state)));
}
