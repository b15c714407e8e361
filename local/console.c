/* SPDX-License-Identifier: ISC */
#include "console.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"

#define NAME_SIZE 40

/* "console.log" from byte 0, then "console-<offset>.log". */
static void segment_name(uint64_t start, char out[NAME_SIZE])
{
    if (start == 0)
        snprintf(out, NAME_SIZE, "console.log");
    else
        snprintf(out, NAME_SIZE, "console-%" PRIu64 ".log", start);
}

void local_console_begin(struct local_console *console, int dir_fd)
{
    *console = (struct local_console){.dir_fd = dir_fd, .fd = -1};
}

void local_console_end(struct local_console *console)
{
    if (console->fd >= 0)
        close(console->fd);
    console->fd = -1;
}

/* Open the segment that the next byte belongs to, and drop the one that falls out of the tail. */
static int open_segment(struct local_console *console)
{
    char name[NAME_SIZE];
    uint64_t start = console->offset - console->offset % LOCAL_CONSOLE_SEGMENT;
    local_console_end(console);
    segment_name(start, name);
    console->fd =
        openat(console->dir_fd, name, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (start > LOCAL_CONSOLE_TAIL * LOCAL_CONSOLE_SEGMENT) {
        segment_name(start - LOCAL_CONSOLE_TAIL * LOCAL_CONSOLE_SEGMENT, name);
        unlinkat(console->dir_fd, name, 0);
    }
    return console->fd < 0 ? -1 : 0;
}

/* How many of the bytes were written: all, or as many as there was room for. */
static size_t write_some(struct local_console *console, const char *data, size_t len)
{
    size_t done = 0;
    while (done < len) {
        uint64_t in_segment = console->offset % LOCAL_CONSOLE_SEGMENT;
        if ((in_segment == 0 || console->fd < 0) && open_segment(console))
            break;
        uint64_t room = LOCAL_CONSOLE_SEGMENT - in_segment;
        ssize_t n = write(console->fd, data + done, len - done < room ? len - done : (size_t)room);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        console->offset += (uint64_t)n;
        done += (size_t)n;
    }
    return done;
}

void local_console_write(struct local_console *console, const void *data, size_t len)
{
    if (console->lost > 0) {
        char text[96];
        int n = snprintf(text, sizeof text,
                         "\n[mirage-deploy: %" PRIu64 " bytes lost, the disk was full]\n",
                         console->lost);
        if (write_some(console, text, (size_t)n) > 0)
            console->lost = 0;
    }
    size_t done = console->lost > 0 ? 0 : write_some(console, data, len);
    console->lost += len - done;
}

/* The start of the segment in which reading goes on: the one that holds `offset`, or else the
 * first that begins after it. -1 when there is none. */
static int64_t segment_from(DIR *dir, uint64_t offset)
{
    uint64_t own = offset - offset % LOCAL_CONSOLE_SEGMENT, best = UINT64_MAX;
    rewinddir(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        uint64_t start = 0;
        char name[NAME_SIZE];
        if (strcmp(e->d_name, "console.log") && sscanf(e->d_name, "console-%" SCNu64, &start) != 1)
            continue;
        segment_name(start, name);
        if (!strcmp(name, e->d_name) && start >= own && start < best)
            best = start;
    }
    return best > INT64_MAX ? -1 : (int64_t)best;
}

static int read_segment(int dir_fd, uint64_t start, uint64_t *offset, struct mir_buf *out)
{
    char name[NAME_SIZE], chunk[16384];
    segment_name(start, name);
    mir_auto_close int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1; /* dropped meanwhile: the caller looks again */
    for (;;) {
        size_t room = out->max - out->len;
        ssize_t n =
            pread(fd, chunk, room < sizeof chunk ? room : sizeof chunk, (off_t)(*offset - start));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return (int)n;
        mir_buf_add(out, chunk, (size_t)n);
        *offset += (uint64_t)n;
    }
}

int local_console_read(int dir_fd, uint64_t offset, struct mir_buf *out, uint64_t *ret_next,
                       struct mir_error *err)
{
    int list_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = list_fd < 0 ? NULL : fdopendir(list_fd);
    if (!dir) {
        int saved = errno;
        if (list_fd >= 0)
            close(list_fd);
        return mir_fail_errno(err, saved, "cannot list the console");
    }
    int rc = 0;
    for (;;) {
        uint64_t before = offset;
        int64_t start = segment_from(dir, offset);
        if (start < 0 || out->len >= out->max)
            break;
        if ((uint64_t)start > offset) {
            char text[96];
            int n = snprintf(text, sizeof text, "\n[mirage-deploy: %" PRIu64 " bytes left out]\n",
                             (uint64_t)start - offset);
            if (out->max - out->len < (size_t)n)
                break;
            mir_buf_add(out, text, (size_t)n);
            offset = (uint64_t)start;
        }
        if (read_segment(dir_fd, (uint64_t)start, &offset, out)) {
            rc = mir_fail_errno(err, errno, "cannot read the console");
            break;
        }
        if (offset == before || offset % LOCAL_CONSOLE_SEGMENT != 0)
            break;
    }
    closedir(dir);
    if (!rc)
        *ret_next = offset;
    return rc;
}
