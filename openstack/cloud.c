/* SPDX-License-Identifier: ISC */
#include "openstack/cloud.h"

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

static void forget(char **text)
{
    if (*text)
        mir_wipe(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

static void named_clear(struct os_named *thing)
{
    char **const texts[] = {&thing->id, &thing->name, &thing->domain_id, &thing->domain_name};
    for (size_t i = 0; i < MIR_NELEMS(texts); i++)
        forget(texts[i]);
}

static void choice_clear(struct os_service_choice *choice)
{
    char **const texts[] = {&choice->endpoint_override,
                            &choice->api_version,
                            &choice->microversion,
                            &choice->service_type,
                            &choice->service_name,
                            &choice->interface,
                            &choice->region};
    for (size_t i = 0; i < MIR_NELEMS(texts); i++)
        forget(texts[i]);
}

void os_cloud_clear(struct os_cloud *cloud)
{
    char **const texts[] = {&cloud->name,
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
    for (size_t i = 0; i < MIR_NELEMS(texts); i++)
        forget(texts[i]);
    named_clear(&cloud->user);
    named_clear(&cloud->project);
    named_clear(&cloud->application);
    for (unsigned i = 0; i < OS_SERVICE_COUNT; i++)
        choice_clear(&cloud->services[i]);
    *cloud = (struct os_cloud){0};
}
