/* SPDX-License-Identifier: ISC */
/*
 * What the checks of the list do with a case, each a failure of the check when it does not go as
 * it has to. Waiting is by the target's clock.
 */
#ifndef CONFORMANCE_CASE_H
#define CONFORMANCE_CASE_H

#include "conformance.h"

int64_t conf_now_s(const struct conformance_target *target);
void conf_pause_ms(const struct conformance_target *target, long ms);
int conf_gone_ms(const struct conformance_target *target);
struct mir_prov *conf_open(const struct conformance_target *target);

void conf_sign(struct conformance_case *c);
/* Image and instance: 0, or -1 with c->err. */
int conf_make(struct conformance_case *c, struct mir_instance *ret);
void conf_arm(struct conformance_case *c, struct mir_hook hooks[MIR_HOOKS_MAX], size_t *ret_count);
/* Created, and armed: as a daemon leaves it that dies right afterwards. */
void conf_launch(struct conformance_case *c);

/* What get says, in c->instance. */
void conf_look(struct conformance_case *c);
void conf_look_at_image(struct conformance_case *c);
void conf_must_reach(struct conformance_case *c, enum mir_instance_state state, int limit_ms);
void conf_must_not_run(const struct conformance_target *target, const struct conformance_case *c,
                       int limit_ms);
/* Console text until it holds `wanted`. Owned. */
char *conf_console_until(struct conformance_case *c, const char *wanted, int limit_ms);

int conf_delete_image(struct conformance_case *c); /* 0, or -1 with c->err */
/* Until the look says that nothing is there. Success of a delete is "asked for", and one that comes
 * too early is asked for again. */
void conf_go(struct conformance_case *c, int (*delete)(struct conformance_case *c),
             void (*look_again)(struct conformance_case *c));
void conf_must_go(struct conformance_case *c); /* the instance */

#endif
