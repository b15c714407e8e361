/* SPDX-License-Identifier: ISC */
#include "api/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/clock.h"

static atomic_int threshold = MIR_LOG_INFO;

void mir_log_set_level(enum mir_log_level level)
{
    atomic_store(&threshold, (int)level);
}

int mir_log_enabled(enum mir_log_level level)
{
    return (int)level <= atomic_load(&threshold);
}

static const char *level_word(enum mir_log_level level)
{
    switch (level) {
    case MIR_LOG_ERROR:
        return "error";
    case MIR_LOG_WARN:
        return "warning";
    case MIR_LOG_INFO:
        return "info";
    case MIR_LOG_DEBUG:
    default:
        return "debug";
    }
}

/* journald stamps and ranks lines itself. */
static int write_prefix(char *line, size_t size, enum mir_log_level level, const char *area)
{
    if (getenv("JOURNAL_STREAM"))
        return snprintf(line, size, "<%d>%s: ", (int)level, area);
    char now[MIR_TIME_SIZE];
    mir_time_format(mir_now_s(mir_clock_system()), now);
    return snprintf(line, size, "%s %s %s: ", now, level_word(level), area);
}

void mir_log(enum mir_log_level level, const char *area, const char *fmt, ...)
{
    if (!mir_log_enabled(level))
        return;
    char line[1200];
    int n = write_prefix(line, sizeof line - 1, level, area);
    size_t used = n > 0 && (size_t)n < sizeof line - 1 ? (size_t)n : 0;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line + used, sizeof line - 1 - used, fmt, ap);
    va_end(ap);
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    size_t len = strlen(line);
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, len) < 0)
        return; /* nowhere left to say it */
}
