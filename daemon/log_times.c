/* SPDX-License-Identifier: ISC */
#include "log_times.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "daemon/engine.h"

struct row {
    int64_t utc_s;
    int64_t offset;
};

static int open_times(const struct mird_core *core, const char *deployment, int flags)
{
    mir_auto_free char *path = mir_format("%s/logs/%s.times", core->state_dir, deployment);
    return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static int64_t count_rows(int fd)
{
    struct stat st;
    return fstat(fd, &st) ? 0 : (int64_t)st.st_size / (int64_t)sizeof(struct row);
}

static int read_row(int fd, int64_t index, struct row *ret)
{
    return pread(fd, ret, sizeof *ret, (off_t)(index * (int64_t)sizeof *ret)) == sizeof *ret ? 0
                                                                                             : -1;
}

void mird_log_times_note(const struct mird_core *core, const char *deployment, int64_t utc_s,
                         int64_t offset)
{
    mir_auto_close int fd = open_times(core, deployment, O_RDWR | O_CREAT);
    struct row last, row = {utc_s, offset};
    if (fd < 0)
        return;
    int64_t count = count_rows(fd);
    if (count && !read_row(fd, count - 1, &last) && last.utc_s >= utc_s)
        return; /* the same second, or a clock that was set back: the earlier row covers it */
    if (pwrite(fd, &row, sizeof row, (off_t)(count * (int64_t)sizeof row)) != sizeof row)
        return;
}

static int64_t log_size(const struct mird_core *core, const char *deployment)
{
    struct stat st;
    mir_auto_free char *path = mird_engine_log_path(core, deployment);
    return stat(path, &st) ? 0 : (int64_t)st.st_size;
}

int64_t mird_engine_log_since(const struct mird_core *core, const char *deployment, int64_t since_s)
{
    mir_auto_close int fd = open_times(core, deployment, O_RDONLY);
    if (fd < 0)
        return 0;
    int64_t low = 0, high = count_rows(fd);
    struct row row;
    if (high == 0)
        return 0;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (read_row(fd, middle, &row))
            return 0;
        if (row.utc_s < since_s)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == count_rows(fd) || read_row(fd, low, &row))
        return log_size(core, deployment);
    return row.offset;
}
