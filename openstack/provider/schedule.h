/* SPDX-License-Identifier: ISC */
/* The hook "cloud-schedule": what Mistral does at a deadline, where the cloud has it. */
#ifndef OS_SCHEDULE_H
#define OS_SCHEDULE_H

#include "stack.h"

/* hook has its name and is OFF; others: armed hooks beside it. */
void stack_schedule_arm(struct stack *stack, struct stack_site *site, const struct mir_lease *lease,
                        const char *server_id, unsigned others, int64_t until_ms,
                        struct mir_hook *hook);
void stack_schedule_end(struct stack *stack, struct stack_site *site, const char *token,
                        int64_t until_ms);

#endif
