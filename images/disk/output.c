/* SPDX-License-Identifier: ISC */
#include "images/output.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/file.h"

#define ZERO_BYTES ((size_t)64 << 10)
#define COPY_BYTES_MAX ((size_t)1 << 30) /* of one call */
#define COPY_BYTES_MIN ((uint64_t)16 << 10)

static const unsigned char zeros[ZERO_BYTES];

/* Holes are for a file that is written from its beginning and holds nothing yet: behind old bytes,
 * or when every write goes to the end, leaving something out leaves the wrong thing. */
void img_output_init(struct img_output *output, int fd)
{
    struct stat st;
    bool file = !fstat(fd, &st) && S_ISREG(st.st_mode);
    bool fresh = file && !st.st_size && !lseek(fd, 0, SEEK_CUR) && !(fcntl(fd, F_GETFL) & O_APPEND);
    *output = (struct img_output){.fd = fd, .seekable = fresh};
}

static int failed(struct mir_error *err)
{
    return mir_fail_errno(err, errno, "cannot write the image");
}

int img_output_write(struct img_output *output, const void *data, size_t len, struct mir_error *err)
{
    if (mir_write_all(output->fd, data, len))
        return failed(err);
    output->at += len;
    return 0;
}

int img_output_zeros(struct img_output *output, uint64_t len, struct mir_error *err)
{
    if (output->seekable) {
        if (lseek(output->fd, (off_t)len, SEEK_CUR) < 0)
            return failed(err);
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

uint64_t img_output_copy(struct img_output *output, const struct img_input *input,
                         uint64_t input_at, uint64_t len)
{
    off_t from = (off_t)input_at;
    uint64_t left = len;
    /* A call costs as much as moving some pages does. */
    if (!output->seekable || !input->seekable || output->by_hand || len < COPY_BYTES_MIN)
        return 0;
    while (left) {
        size_t want = left < COPY_BYTES_MAX ? (size_t)left : COPY_BYTES_MAX;
        ssize_t n = copy_file_range(input->fd, &from, output->fd, NULL, want, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            output->by_hand = true;
            break;
        }
        left -= (uint64_t)n;
    }
    output->at += len - left;
    return len - left;
}

int img_output_end(struct img_output *output, struct mir_error *err)
{
    if (output->seekable && ftruncate(output->fd, (off_t)output->at))
        return failed(err);
    return 0;
}
