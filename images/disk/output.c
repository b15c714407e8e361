/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/file.h"
#include "images/container.h"

#define ZERO_BYTES ((size_t)64 << 10)

static const unsigned char zeros[ZERO_BYTES];

void img_output_init(struct img_output *output, int fd)
{
    struct stat st;
    bool seekable = !fstat(fd, &st) && S_ISREG(st.st_mode);
    *output = (struct img_output){.fd = fd, .seekable = seekable};
}

int img_output_write(struct img_output *output, const void *data, size_t len, struct mir_error *err)
{
    if (mir_write_all(output->fd, data, len))
        return mir_fail_errno(err, errno, "cannot write the image");
    output->at += len;
    return 0;
}

int img_output_zeros(struct img_output *output, uint64_t len, struct mir_error *err)
{
    if (output->seekable) {
        if (lseek(output->fd, (off_t)len, SEEK_CUR) < 0)
            return mir_fail_errno(err, errno, "cannot write the image");
        output->at += len;
        return 0;
    }
    while (len) {
        size_t n = len < sizeof zeros ? (size_t)len : sizeof zeros;
        if (img_output_write(output, zeros, n, err))
            return -1;
        len -= n;
    }
    return 0;
}

int img_output_end(struct img_output *output, struct mir_error *err)
{
    if (output->seekable && ftruncate(output->fd, (off_t)output->at))
        return mir_fail_errno(err, errno, "cannot write the image");
    return 0;
}
