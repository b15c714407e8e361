/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "api/file.h"
#include "images/inspect.h"
#include "source.h"
#include "unwrap.h"

struct output {
    int fd;
    uint64_t bytes;
};

static int into_file(void *ctx, const unsigned char *data, size_t len, struct mir_error *err)
{
    struct output *output = ctx;
    if (mir_write_all(output->fd, data, len))
        return mir_fail_errno(err, errno, "cannot write the unpacked file");
    output->bytes += len;
    return 0;
}

static int copy(struct krn_source *source, const struct krn_limits *limits, struct output *output,
                struct mir_error *err)
{
    struct krn_unwrap *unwrap = NULL;
    const unsigned char *data;
    size_t len = 0;
    int rc;
    do {
        rc = krn_source_next(source, &data, &len, err);
        if (rc || !len)
            break;
        if (!unwrap)
            unwrap = krn_unwrap_new(krn_container_of(data, len), limits, into_file, output);
        rc = krn_unwrap_feed(unwrap, data, len, err);
    } while (!rc);
    if (!rc && unwrap)
        rc = krn_unwrap_finish(unwrap, err);
    if (!rc && !unwrap)
        rc = mir_fail(err, MIR_USAGE, "the file is empty");
    krn_unwrap_free(unwrap);
    return rc;
}

int krn_unpack_fd(int fd, int out_fd, const struct krn_limits *limits, uint64_t *ret_bytes,
                  struct mir_error *err)
{
    struct krn_source source;
    struct output output = {.fd = out_fd};
    if (krn_source_open(&source, fd, err))
        return -1;
    int rc = copy(&source, limits, &output, err);
    krn_source_close(&source);
    if (!rc)
        *ret_bytes = output.bytes;
    return rc;
}
