/* SPDX-License-Identifier: ISC */
/* EC2 forgets for a moment what it has just made. */
#include <string.h>
#include <time.h>

#include "cloud.h"

#define AGAIN_MS 1000

void cloud_pause_ms(int64_t ms)
{
    struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&ts, NULL);
}

bool cloud_again(const struct ec2_session *session, int64_t until_ms, const struct mir_error *said)
{
    bool unknown =
        said->kind == MIR_NOT_FOUND || !strcmp(said->provider_code, "InvalidAMIID.Unavailable");
    if (!unknown || said->outcome != MIR_DID_NOT_HAPPEN ||
        until_ms < ec2_until(session, 2 * AGAIN_MS))
        return false;
    cloud_pause_ms(AGAIN_MS);
    return true;
}

int cloud_said(const struct mir_error *said, struct mir_error *err)
{
    if (err)
        *err = *said;
    return -1;
}

int cloud_gone(int rc, const struct mir_error *said, struct mir_error *err)
{
    return !rc || said->kind == MIR_NOT_FOUND ? 0 : cloud_said(said, err);
}

void cloud_keep_first(int rc, const struct mir_error *said, struct mir_error *first)
{
    if (rc && first->kind == MIR_OK)
        *first = *said;
}
