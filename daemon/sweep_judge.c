/* SPDX-License-Identifier: ISC */
/* The sweep's decision about one thing found: pure. */
#include <string.h>

#include "daemon/lease.h"

enum mird_verdict_kind mird_sweep_judge(const struct mir_instance *found, bool verified,
                                        const char *installation,
                                        const struct mird_deployment *known)
{
    if (!verified || !*found->tags.deployment || strcmp(found->tags.installation, installation))
        return MIRD_FOREIGN;
    if (!known)
        return MIRD_END;
    /* Recorded as gone, and yet here. */
    if (known->finished_s || known->steps[MIRD_STEP_INSTANCE] == MIRD_UNDONE)
        return MIRD_END;
    return MIRD_KEEP;
}
