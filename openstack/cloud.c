/* SPDX-License-Identifier: ISC */
#include "openstack/cloud.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/error.h"
#include "api/secret.h"

/* Types and the other names that catalogs have had for them: the "service types authority". */
static const char *const identity[] = {"identityv3", NULL};
static const char *const image[] = {"imagev2", NULL};
static const char *const compute[] = {"computev21", NULL};
static const char *const network[] = {"networkv2", NULL};
static const char *const object_store[] = {"object-storage", NULL};
static const char *const volume[] = {"volumev3", "block-store", "volume", NULL};
static const char *const workflow[] = {"workflowv2", NULL};
static const char *const reservation[] = {"lease", NULL};

static const struct os_service_info services[OS_SERVICE_COUNT] = {
    [OS_IDENTITY] = {"identity", identity, "Keystone", "IDENTITY"},
    [OS_IMAGE] = {"image", image, "Glance", "IMAGE"},
    [OS_COMPUTE] = {"compute", compute, "Nova", "COMPUTE"},
    [OS_NETWORK] = {"network", network, "Neutron", "NETWORK"},
    [OS_OBJECT_STORE] = {"object-store", object_store, "Swift", "OBJECT_STORE"},
    [OS_VOLUME] = {"block-storage", volume, "Cinder", "BLOCK_STORAGE"},
    [OS_WORKFLOW] = {"workflow", workflow, "Mistral", "WORKFLOW"},
    [OS_RESERVATION] = {"reservation", reservation, "Blazar", "RESERVATION"},
};

const struct os_service_info *os_service_info(enum os_service service)
{
    return &services[(unsigned)service < OS_SERVICE_COUNT ? service : OS_IDENTITY];
}

/* --- all its texts, which is what clearing and comparing go through --- */

#define TEXTS_OWN 18
#define TEXTS_NAMED 4
#define TEXTS_CHOICE 7
#define TEXTS (TEXTS_OWN + 3 * TEXTS_NAMED + OS_SERVICE_COUNT * TEXTS_CHOICE)

static size_t add_texts(char **to[TEXTS], size_t count, char **const *texts, size_t more)
{
    memcpy(to + count, texts, more * sizeof *texts);
    return count + more;
}

static void texts_of(struct os_cloud *cloud, char **ret[TEXTS])
{
    char **const own[TEXTS_OWN] = {&cloud->name,
                                   &cloud->auth_url,
                                   &cloud->domain_id,
                                   &cloud->domain_name,
                                   &cloud->system_scope,
                                   &cloud->password,
                                   &cloud->application_secret,
                                   &cloud->token,
                                   &cloud->region,
                                   &cloud->interface,
                                   &cloud->cacert,
                                   &cloud->cert,
                                   &cloud->key,
                                   &cloud->image_format,
                                   &cloud->secgroup_source,
                                   &cloud->floating_ip_source,
                                   &cloud->external_network,
                                   &cloud->default_network};
    struct os_named *const things[] = {&cloud->user, &cloud->project, &cloud->application};
    size_t count = add_texts(ret, 0, own, TEXTS_OWN);
    for (size_t i = 0; i < MIR_NELEMS(things); i++) {
        char **const named[TEXTS_NAMED] = {&things[i]->id, &things[i]->name, &things[i]->domain_id,
                                           &things[i]->domain_name};
        count = add_texts(ret, count, named, TEXTS_NAMED);
    }
    for (unsigned i = 0; i < OS_SERVICE_COUNT; i++) {
        struct os_service_choice *choice = &cloud->services[i];
        char **const chosen[TEXTS_CHOICE] = {&choice->endpoint_override,
                                             &choice->api_version,
                                             &choice->microversion,
                                             &choice->service_type,
                                             &choice->service_name,
                                             &choice->interface,
                                             &choice->region};
        count = add_texts(ret, count, chosen, TEXTS_CHOICE);
    }
}

void os_cloud_clear(struct os_cloud *cloud)
{
    char **texts[TEXTS];
    texts_of(cloud, texts);
    for (size_t i = 0; i < TEXTS; i++) {
        if (*texts[i])
            mir_wipe(*texts[i], strlen(*texts[i]));
        free(*texts[i]);
    }
    *cloud = (struct os_cloud){0};
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

bool os_cloud_same(const struct os_cloud *a, const struct os_cloud *b)
{
    char **of_a[TEXTS], **of_b[TEXTS];
    texts_of((struct os_cloud *)(uintptr_t)a, of_a); /* only read */
    texts_of((struct os_cloud *)(uintptr_t)b, of_b);
    for (size_t i = 0; i < TEXTS; i++)
        if (!same_text(*of_a[i], *of_b[i]))
            return false;
    return a->auth_type == b->auth_type && a->insecure == b->insecure &&
           a->force_ipv4 == b->force_ipv4 && a->image_api_use_tasks == b->image_api_use_tasks &&
           a->requires_floating_ip == b->requires_floating_ip;
}
