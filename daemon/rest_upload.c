/* SPDX-License-Identifier: ISC */
/* What routes under a digest share that take files: kernels and block devices. */
#include <inttypes.h>
#include <string.h>

#include "daemon/upload.h"
#include "rest.h"

int rest_digest(const struct mird_http_request *request, const char **ret, struct mir_error *err)
{
    const char *sha256 = mird_http_param(request, "sha256");
    if (!mir_sha256_valid(sha256)) {
        mir_fail(err, MIR_USAGE, "'%.80s' is not a SHA-256 digest", sha256);
        return mir_error_hint(err, "64 lower-case hex digits, as sha256sum prints them");
    }
    *ret = sha256;
    return 0;
}

enum mird_http_result rest_too_large(const struct mird_rest *rest,
                                     const struct mird_http_request *request,
                                     struct mird_http_response *response, const char *noun)
{
    struct mir_error err = {0};
    mir_fail(&err, MIR_USAGE, "a %s of %" PRIu64 " bytes; at most %" PRIu64 " are taken", noun,
             request->content_length, rest->kernel_max_bytes);
    mir_error_hint(&err, "raise kernel_max under [daemon] in the configuration");
    mird_http_problem(request, response, 413, &err);
    return MIRD_HTTP_DONE;
}

static void free_upload(void *upload)
{
    mird_upload_free(upload);
}

int rest_upload_open(const struct mird_rest *rest, struct mird_http_request *request,
                     const struct mird_depot *depot, struct mir_error *err)
{
    struct mird_upload *upload;
    if (request->state)
        return 0;
    if (mird_upload_begin(depot, rest->core->state_dir, mird_http_param(request, "sha256"),
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

int rest_upload_take(const struct mird_rest *rest, struct mird_http_request *request,
                     const struct mird_depot *depot, const void *data, size_t len,
                     struct mir_error *err)
{
    if (rest_upload_open(rest, request, depot, err))
        return -1;
    return mird_upload_write(request->state, data, len, err) ? give_up(request) : 0;
}
