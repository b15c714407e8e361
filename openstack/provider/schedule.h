/* SPDX-License-Identifier: ISC */
/* What the cloud does at a deadline by itself: "cloud-schedule" by Mistral, "cloud-lease" by
 * Blazar; where it has them. */
#ifndef OS_SCHEDULE_H
#define OS_SCHEDULE_H

#include "openstack/reservation.h"
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

/* Of that token (NULL: all of the project's), whatever their status; none (and nothing is asked)
 * where leases are not wanted. */
int stack_leases_find(struct stack *stack, struct stack_site *site, const char *token,
                      int64_t until_ms, struct os_leases *ret, struct mir_error *err);
/* What tags would say of it; false: its name says nothing of us. */
bool stack_lease_tags(const struct stack *stack, const struct os_lease *row, struct mir_tags *ret);
/* The lease that the server is to stand in, found or made, and begun; ret_flavor: what the server
 * is started as. *ret_began: it may have been made, also when it fails. */
int stack_lease_make(struct stack *stack, struct stack_site *site, const struct mir_lease *lease,
                     const struct stack_flavor *flavor, int64_t until_ms, bool *ret_began,
                     char ret_flavor[OS_ID_TEXT], struct mir_error *err);
/* hook has its name and is OFF; flavor: of the lease, as the server's mark says it; NULL: none. */
void stack_lease_arm(struct stack *stack, struct stack_site *site, const struct mir_lease *lease,
                     const char *flavor, int64_t until_ms, struct mir_hook *hook);
/* When the server is gone: with a lease goes what is in it. They are added to ret as objects. */
int stack_leases_end(struct stack *stack, struct stack_site *site, const char *token,
                     int64_t until_ms, struct mir_instance *ret, struct mir_error *err);

#endif
