/* SPDX-License-Identifier: ISC */
/* The sweep's decisions about one thing found: pure. */
#include <string.h>

#include "daemon/lease.h"

#define GRACE_LEAST_S 5 /* where a change is seen at once */
#define GRACE_MOST_S 60

static bool is_ours(const struct mir_instance *found, bool verified, const char *installation)
{
    return verified && *found->tags.deployment && !strcmp(found->tags.installation, installation);
}

bool mird_shows(const struct mir_instance *found, enum mir_object_kind kind, const char *deployment,
                bool verified, const char *installation)
{
    return found->kind == kind && !strcmp(found->tags.deployment, deployment) &&
           is_ours(found, verified, installation);
}

enum mird_verdict_kind mird_sweep_judge(const struct mir_instance *found, bool verified,
                                        const char *installation,
                                        const struct mird_deployment *known)
{
    if (!is_ours(found, verified, installation))
        return MIRD_FOREIGN;
    if (!known)
        return MIRD_END;
    /* Recorded as gone, and yet here. */
    enum mird_step_kind step =
        found->kind == MIR_OBJECT_IMAGE ? MIRD_STEP_IMAGE : MIRD_STEP_INSTANCE;
    if (known->finished_s || known->steps[step] == MIRD_UNDONE)
        return MIRD_END;
    return MIRD_KEEP;
}

enum mird_verdict_kind mird_sweep_judge_rebuilding(const struct mir_instance *found, bool verified,
                                                   const char *installation,
                                                   const struct mird_deployment *known,
                                                   int64_t now_s)
{
    enum mird_verdict_kind verdict = mird_sweep_judge(found, verified, installation, known);
    bool lives = found->state == MIR_INSTANCE_STARTING || found->state == MIR_INSTANCE_RUNNING;
    if (verdict != MIRD_END || known || !lives || found->tags.expires_s <= now_s)
        return verdict;
    /* An image alone is no deployment; if it belongs to one, that is taken up in this round. */
    return found->kind == MIR_OBJECT_IMAGE ? MIRD_KEEP : MIRD_ADOPT;
}

enum mird_verdict_kind mird_sweep_verdict(const struct mir_instance *found,
                                          const struct mird_sweep_view *view)
{
    if (view->known < 0)
        return MIRD_KEEP;
    const struct mird_deployment *record = view->known ? view->record : NULL;
    enum mird_verdict_kind verdict =
        view->rebuilding ? mird_sweep_judge_rebuilding(found, view->verified, view->installation,
                                                       record, view->now_s)
                         : mird_sweep_judge(found, view->verified, view->installation, record);
    return verdict == MIRD_END && view->adopt_only ? MIRD_KEEP : verdict;
}

enum mird_verdict_kind mird_reap_judge(const struct mir_instance *found, bool verified,
                                       const char *installation, int64_t now_s, int64_t grace_s)
{
    if (!is_ours(found, verified, installation))
        return MIRD_FOREIGN;
    return now_s - grace_s >= found->tags.expires_s ? MIRD_END : MIRD_KEEP;
}

int64_t mird_reap_grace_s(unsigned settle_s)
{
    int64_t grace_s = GRACE_LEAST_S + (int64_t)settle_s;
    return grace_s < GRACE_MOST_S ? grace_s : GRACE_MOST_S;
}
