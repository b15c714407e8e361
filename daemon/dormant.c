/* SPDX-License-Identifier: ISC */
#include "daemon/dormant.h"

bool mird_may_rest(const struct mird_held *held, const struct mird_drive *drive)
{
    return !held->dirty && !drive->intended && mird_deployment_rests(&held->d);
}

uint32_t mird_rest_created_s(const struct mird_deployment *d, int64_t now_ms, int64_t boot_ms)
{
    int64_t ago_ms = now_ms - d->last_create_ms, since_ms = boot_ms - (ago_ms > 0 ? ago_ms : 0);
    if (!d->last_create_ms)
        return 0;
    return since_ms > 0 ? (uint32_t)(since_ms / 1000 + 1) : 1; /* long ago is long enough */
}

int64_t mird_rest_created_ms(uint32_t created_boot_s, int64_t now_ms, int64_t boot_ms)
{
    return now_ms - (boot_ms - (int64_t)created_boot_s * 1000);
}

enum mird_rest_sign mird_rest_shown(const struct mir_instance *found)
{
    if (found->kind != MIR_OBJECT_INSTANCE)
        return MIRD_REST_NOTHING;
    bool runs = found->state == MIR_INSTANCE_RUNNING || found->state == MIR_INSTANCE_STARTING;
    return runs ? MIRD_REST_KEEPS : MIRD_REST_WAKES;
}
