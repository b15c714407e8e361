/* SPDX-License-Identifier: ISC */
/*
 * Whoever is there from the start: two domains, three projects of which two have the same name and
 * two are the user's, one user, three roles. Their ids and the password are random, so that nobody
 * takes them for anything else.
 */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "os.h"

static struct fc_object *add(struct fc_world *world, const struct fc_cause *cause, const char *kind,
                             const char *id, json_t *doc)
{
    char made[33];
    fos_hex_id(made);
    struct fc_object *object = fc_store_add(world->store, kind, "", id ? id : made, doc, cause);
    object->furniture = true;
    return object;
}

static struct fc_object *add_project(struct fc_world *world, const struct fc_cause *cause,
                                     const char *name, const char *domain)
{
    return add(world, cause, "os-project", NULL,
               json_pack("{s:s,s:s,s:b,s:b,s:s,s:s,s:[],s:{}}", "name", name, "domain_id", domain,
                         "enabled", 1, "is_domain", 0, "parent_id", domain, "description", "",
                         "tags", "options"));
}

static void add_domain(struct fc_world *world, const struct fc_cause *cause, const char *id,
                       const char *name)
{
    add(world, cause, "os-domain", id,
        json_pack("{s:s,s:b,s:s,s:[],s:{}}", "name", name, "enabled", 1, "description", "", "tags",
                  "options"));
}

void fos_ready(struct fc_world *world)
{
    static const char *const roles[] = {"admin", "member", "reader"};
    const struct fc_cause cause = {"cloud.start", "-", fc_world_now_ms(world)};
    char password[33], other[33];
    if (fc_store_each(world->store, NULL, "os-user", ""))
        return;
    fos_hex_id(other);
    fos_hex_id(password);
    add_domain(world, &cause, "default", "Default");
    add_domain(world, &cause, other, "Elsewhere");
    for (size_t i = 0; i < MIR_NELEMS(roles); i++)
        add(world, &cause, "os-role", NULL, json_pack("{s:s}", "name", roles[i]));
    const struct fc_object *demo = add_project(world, &cause, "demo", "default");
    const struct fc_object *second = add_project(world, &cause, "second", "default");
    add_project(world, &cause, "demo", other);
    add(world, &cause, "os-user", NULL,
        json_pack("{s:s,s:s,s:b,s:{},s:n,s:o,s:{s:[s,s],s:[s,s]}}", "name", "fakecloud",
                  "domain_id", "default", "enabled", 1, "options", "password_expires_at",
                  "_password", json_sprintf("fake-%.20s", password), "_roles", demo->id, "member",
                  "reader", second->id, "member", "reader"));
    fc_world_commit(world, &cause);
}

void fos_environment(const struct fc_world *world, const char *origin, struct mir_buf *out)
{
    const struct fc_object *user = fc_store_each(world->store, NULL, "os-user", "");
    mir_buf_addf(out,
                 "OS_AUTH_URL=%s" FOS_PREFIX "/identity/v3\nOS_IDENTITY_API_VERSION=3\n"
                 "OS_USERNAME=%s\nOS_PASSWORD=%s\nOS_USER_DOMAIN_NAME=Default\n"
                 "OS_PROJECT_NAME=demo\nOS_PROJECT_DOMAIN_NAME=Default\nOS_REGION_NAME=%s\n",
                 origin, fc_text_at(user->doc, "name"), fc_text_at(user->doc, "_password"),
                 fos_regions[0]);
}
