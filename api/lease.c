/* SPDX-License-Identifier: ISC */
#include "api/lease.h"

#include <stdio.h>
#include <string.h>

void mir_deadline_format(int64_t deadline_s, char out[MIR_TIME_SIZE])
{
    if (mir_forever(deadline_s))
        snprintf(out, MIR_TIME_SIZE, "no deadline");
    else
        mir_time_format(deadline_s, out);
}

/* Control characters, those of Latin-1 included: U+0080 to U+009F are C2 80 to C2 9F. */
static bool has_control(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    for (; *p; p++)
        if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0))
            return true;
    return false;
}

int mir_reason_check(const char *text, struct mir_error *err)
{
    if (!text[strspn(text, " ")])
        mir_fail(err, MIR_USAGE, "the reason is empty");
    else if (strlen(text) > MIR_REASON_MAX)
        mir_fail(err, MIR_USAGE, "the reason is longer than %d bytes", MIR_REASON_MAX);
    else if (has_control(text))
        mir_fail(err, MIR_USAGE, "the reason holds a control character");
    else
        return 0;
    return mir_error_hint(err,
                          "say in one line of 1 to %d printable characters why it may run "
                          "for ever",
                          MIR_REASON_MAX);
}
