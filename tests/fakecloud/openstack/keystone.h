/* SPDX-License-Identifier: ISC */
/* Keystone v3: tokens, whoever there is, application credentials. Under the world's lock. */
#ifndef FAKECLOUD_KEYSTONE_H
#define FAKECLOUD_KEYSTONE_H

#include "os.h"

/* By id, or by name and domain: {"id": …} or {"name": …, "domain": {"id" or "name": …}}. NULL:
 * there is none. -1: it does not say which domain. */
int fos_keystone_named(const struct fc_world *world, const char *kind, const json_t *said,
                       struct fc_object **ret);
struct fc_object *fos_keystone_domain(const struct fc_world *world, const json_t *said);

/* The names of the roles that a user has in a project; new reference, empty: none. */
json_t *fos_keystone_roles(const struct fc_object *user, const char *project);

/* The catalog as the token's body has it; new reference. */
json_t *fos_keystone_catalog(const struct fc_call *call, const char *project);

/* {"id", "name", "domain": {"id", "name"}}; new reference. */
json_t *fos_keystone_show(const struct fc_world *world, const struct fc_object *object);

fc_handler fos_keystone_authenticate, fos_keystone_validate, fos_keystone_check,
    fos_keystone_revoke;

#endif
