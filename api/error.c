/* SPDX-License-Identifier: ISC */
#include "api/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct mir_kind_info kinds[MIR_KIND_COUNT] = {
    [MIR_OK] = {"ok", "Done", 200, 0},
    [MIR_FAILED] = {"failed", "The operation failed", 500, 1},
    [MIR_INTERNAL] = {"internal", "Internal error", 500, 1},
    [MIR_USAGE] = {"usage", "The request is not valid", 422, 2},
    [MIR_NOT_FOUND] = {"not-found", "Not found", 404, 3},
    [MIR_CREDENTIALS] = {"credentials", "Credentials missing or refused", 401, 4},
    [MIR_POLICY] = {"policy", "Refused", 403, 5},
    [MIR_CONFLICT] = {"conflict", "Conflict", 409, 6},
    [MIR_TIMEOUT] = {"timeout", "Timed out waiting", 504, 7},
    [MIR_UNAVAILABLE] = {"unavailable", "Not available", 503, 8},
    [MIR_THROTTLED] = {"throttled", "Too many requests", 429, 8},
    [MIR_PARTIAL] = {"partial", "Something may be left behind", 500, 9},
    [MIR_INTERRUPTED] = {"interrupted", "Interrupted", 499, 130},
    [MIR_NO_SPACE] = {"no-space", "No space left", 507, 5},
    [MIR_CORRUPT] = {"corrupt", "The data is damaged", 422, 2},
};

const struct mir_kind_info *mir_kind_info(enum mir_kind kind)
{
    if ((unsigned)kind >= MIR_KIND_COUNT)
        kind = MIR_INTERNAL;
    return &kinds[kind];
}

enum mir_kind mir_kind_by_name(const char *name)
{
    for (unsigned i = 0; name && i < MIR_KIND_COUNT; i++)
        if (!strcmp(kinds[i].name, name))
            return (enum mir_kind)i;
    return MIR_FAILED;
}

static void MIR_PRINTF(3, 0)
    reset(struct mir_error *err, enum mir_kind kind, const char *fmt, va_list ap)
{
    memset(err, 0, sizeof *err);
    err->kind = kind;
    vsnprintf(err->text, sizeof err->text, fmt, ap);
}

int mir_fail(struct mir_error *err, enum mir_kind kind, const char *fmt, ...)
{
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        reset(err, kind, fmt, ap);
        va_end(ap);
    }
    return -1;
}

static enum mir_kind kind_of_errno(int sys_errno)
{
    switch (sys_errno) {
    case ENOENT:
        return MIR_NOT_FOUND;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: /* the file system's or the user's limit of one file */
        return MIR_NO_SPACE;
    case EACCES:
    case EPERM:
    case EROFS:
        return MIR_POLICY;
    default:
        return MIR_FAILED;
    }
}

int mir_fail_errno(struct mir_error *err, int sys_errno, const char *fmt, ...)
{
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        reset(err, kind_of_errno(sys_errno), fmt, ap);
        va_end(ap);
        err->sys_errno = sys_errno;
        size_t used = strlen(err->text);
        snprintf(err->text + used, sizeof err->text - used, ": %s", strerror(sys_errno));
    }
    return -1;
}

int mir_error_wrap(struct mir_error *err, const char *fmt, ...)
{
    if (err) {
        char old[sizeof err->text];
        memcpy(old, err->text, sizeof old);
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
        size_t used = strlen(err->text);
        snprintf(err->text + used, sizeof err->text - used, ": %s", old);
    }
    return -1;
}

int mir_error_hint(struct mir_error *err, const char *fmt, ...)
{
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(err->hint, sizeof err->hint, fmt, ap);
        va_end(ap);
    }
    return -1;
}
