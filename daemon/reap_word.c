/* SPDX-License-Identifier: ISC */
#include "reap_word.h"

#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "daemon/pass.h"

static int make_word(const struct mird_reap *reap, int64_t every_s, struct mird_pass *ret,
                     struct mir_error *err)
{
    *ret = (struct mird_pass){.at_s = mir_now_s(reap->clock), .every_s = every_s};
    mir_copy(ret->installation, sizeof ret->installation, reap->identity->installation);
    mir_copy(ret->provider, sizeof ret->provider, mir_prov_info(reap->prov)->name);
    if (mir_prov_caller(reap->prov, &ret->caller, err) ||
        mir_prov_covered(reap->prov, ret->places, err))
        return -1;
    return *ret->places ? 0 : mir_fail(err, MIR_FAILED, "not everything was looked at in one pass");
}

/* By hand nothing is said of the next time, so that this must not replace what a timer has said. */
static bool timer_here(const struct mird_reap *reap, const char *state_dir)
{
    struct mird_pass there;
    return !mird_pass_load(state_dir, reap->identity, mir_prov_info(reap->prov)->name, &there,
                           NULL) &&
           there.every_s;
}

int mird_reap_leave_word(const struct mird_reap *reap, const char *state_dir, int64_t every_s,
                         json_t *document, struct mir_error *err)
{
    struct mird_pass pass;
    struct mir_error said[2] = {{.kind = MIR_OK}, {.kind = MIR_OK}};
    json_t *places = json_array();
    json_object_set_new(document, "recorded", places);
    if (make_word(reap, every_s, &pass, err))
        return every_s ? -1 : 0;
    mir_auto_free char *text = mird_pass_text(&pass, reap->identity->tag_key);
    if (every_s && !mir_prov_note_put(reap->prov, text, &said[0]))
        json_array_append_new(places, json_string("account"));
    if ((every_s || !timer_here(reap, state_dir)) &&
        !mird_pass_keep(state_dir, pass.provider, text, &said[1]))
        json_array_append_new(places, json_string("state"));
    if (!every_s || json_array_size(places))
        return 0;
    if (err)
        *err = said[0];
    return -1;
}
