/* SPDX-License-Identifier: ISC */
/* The hook "cloud-schedule": what Mistral does at a deadline, where the cloud has it. */
#ifndef OS_SCHEDULE_H
#define OS_SCHEDULE_H

#include "stack.h"

/* hook has its name and is OFF; others: armed hooks beside it. */
void stack_schedule_arm(struct stack *stack, struct stack_site *site, const struct mir_lease *lease,
                        const char *server_id, unsigned others, int64_t until_ms,
                        struct mir_hook *hook);
/* Adds what there is of a token to the objects of its instance; with an end it is taken away as
 * well. A Mistral that does not answer is the error where something of the token was ever made
 * there, and is as good as none elsewhere; what may not be taken away is said, and not added. */
int stack_schedule_find(struct stack *stack, struct stack_site *site, const char *token,
                        int64_t until_ms, struct mir_instance *ret, struct mir_error *err);
int stack_schedule_end(struct stack *stack, struct stack_site *site, const char *token,
                       int64_t until_ms, struct mir_instance *ret, struct mir_error *err);

#endif
