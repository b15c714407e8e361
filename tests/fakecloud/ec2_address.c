/* SPDX-License-Identifier: ISC */
/* Elastic addresses: paid for while they are allocated, not released while they are in use. */
#include <stdio.h>
#include <string.h>

#include "api/id.h"
#include "api/memory.h"
#include "ec2_life.h"
#include "ec2_net.h"

const struct fc_param fc_params_allocate_address[] = {
    {"Domain", FC_TEXT, false}, {"NetworkBorderGroup", FC_TEXT, false}, FC_EC2_TAGS, FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_associate_address[] = {
    {"AllocationId", FC_TEXT, true},
    {"InstanceId", FC_TEXT, false},
    {"NetworkInterfaceId", FC_TEXT, false},
    {"PrivateIpAddress", FC_TEXT, false},
    {"AllowReassociation", FC_BOOL, false},
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_disassociate_address[] = {
    {"AssociationId", FC_TEXT, true}, FC_EC2_DRY_RUN, {NULL, FC_TEXT, false}};

const struct fc_param fc_params_release_address[] = {
    {"AllocationId", FC_TEXT, true},
    {"NetworkBorderGroup", FC_TEXT, false},
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_describe_addresses[] = {
    {"AllocationId.#", FC_TEXT, false},
    {"PublicIp.#", FC_TEXT, false},
    FC_EC2_FILTERS,
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

int fc_ec2_allocate_address(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    static const char *const types[] = {"elastic-ip", NULL};
    const char *domain = fc_param_text(call, "Domain");
    int64_t count = 0;
    json_t *tags = NULL;
    if (domain && strcmp(domain, "vpc") != 0)
        return fc_refuse(refusal, 400, "InvalidParameterValue", "Invalid value '%.40s' for domain",
                         domain);
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, "elastic-ip", call->region));)
        count++;
    if (count >= call->world->settings.address_limit)
        return fc_refuse(refusal, 400, "AddressLimitExceeded",
                         "The maximum number of addresses has been reached.");
    if (fc_ec2_new_tags(call, types[0], types, &tags, refusal))
        return -1;
    if (fc_ec2_dry_run(call, refusal)) {
        json_decref(tags);
        return -1;
    }
    json_t *doc = json_pack("{s:s,s:s,s:o,s:s}", "domain", "vpc", "networkBorderGroup",
                            call->region, "tagSet", tags, "instanceId", "");
    const struct fc_object *address = fc_ec2_make(call, "elastic-ip", doc);
    json_object_set_new(doc, "allocationId", json_string(address->id));
    json_object_set_new(doc, "publicIp", fc_public_address(call->world, address->seq));
    *ret_reply = json_pack("{s:O,s:s,s:s,s:s}", "publicIp", fc_at(doc, "publicIp"), "domain", "vpc",
                           "allocationId", address->id, "networkBorderGroup", call->region);
    return 0;
}

/* --- associate --- */

/* The interface says which address it is reached at, or none (association NULL; else taken), and
 * the instance with it. */
static void set_association(struct fc_call *call, struct fc_object *instance, json_t *association)
{
    const json_t *card = json_array_get(fc_at(instance->doc, "networkInterfaceSet"), 0);
    struct fc_object *interface =
        fc_store_get(call->world->store, "network-interface", call->region,
                     fc_text_at(card, "networkInterfaceId"));
    json_t *doc = fc_ec2_edit(call, instance);
    if (interface) {
        json_t *interface_doc = fc_ec2_edit(call, interface);
        json_object_del(interface_doc, "association");
        if (association)
            json_object_set(interface_doc, "association", association);
        fc_interface_show(instance, interface_doc);
    }
    json_object_del(doc, "_elastic");
    json_object_del(doc, "_public"); /* what it was launched with does not come back */
    if (association)
        json_object_set(doc, "_elastic", fc_at(association, "publicIp"));
    json_decref(association);
    fc_life_show_address(instance);
}

static void show_address(struct fc_call *call, struct fc_object *instance,
                         const struct fc_object *address)
{
    set_association(call, instance,
                    json_pack("{s:O,s:s,s:s,s:s,s:O}", "publicIp", fc_at(address->doc, "publicIp"),
                              "publicDnsName", "", "ipOwnerId", call->world->account.id,
                              "allocationId", address->id, "associationId",
                              fc_at(address->doc, "associationId")));
}

static void hide_address(struct fc_call *call, struct fc_object *address)
{
    struct fc_object *instance = fc_store_get(call->world->store, "instance", call->region,
                                              fc_text_at(address->doc, "instanceId"));
    if (instance && !instance->gone_ms)
        set_association(call, instance, NULL);
    json_t *doc = fc_ec2_edit(call, address);
    json_object_del(doc, "associationId");
    json_object_del(doc, "networkInterfaceId");
    json_object_del(doc, "networkInterfaceOwnerId");
    json_object_del(doc, "privateIpAddress");
    json_object_set_new(doc, "instanceId", json_string(""));
}

static struct fc_object *address_of(struct fc_call *call, const char *member, const char *value)
{
    struct fc_object *o = NULL;
    while ((o = fc_store_each(call->world->store, o, "elastic-ip", call->region)))
        if (!strcmp(fc_text_at(o->doc, member), value))
            return o;
    return NULL;
}

static int find_target(struct fc_call *call, struct fc_object **ret, struct fc_refusal *refusal)
{
    const char *instance = fc_param_text(call, "InstanceId");
    const char *interface_id = fc_param_text(call, "NetworkInterfaceId");
    struct fc_object *interface;
    if (!instance == !interface_id)
        return fc_refuse(refusal, 400, "MissingParameter",
                         "Either InstanceId or NetworkInterfaceId has to be given");
    if (interface_id) {
        if (fc_ec2_find(call, "network-interface", interface_id, &interface, refusal))
            return -1;
        instance = fc_text_at(interface->doc, "attachment.instanceId");
    }
    if (fc_ec2_find(call, "instance", instance, ret, refusal))
        return -1;
    int code = fc_instance_code((*ret)->doc);
    if (code != 16 && code != 80)
        return fc_refuse(refusal, 400, "InvalidInstanceID",
                         "The instance '%s' is not in a valid state for this operation.", instance);
    return 0;
}

int fc_ec2_associate_address(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *address, *instance;
    char random[MIR_ID_TEXT];
    if (fc_ec2_find_param(call, "elastic-ip", "AllocationId", &address, refusal) ||
        find_target(call, &instance, refusal))
        return -1;
    const char *there = fc_text_at(address->doc, "instanceId");
    bool same = !strcmp(there, instance->id);
    struct fc_object *other = address_of(call, "instanceId", instance->id);
    if (*there && !same && !fc_param_bool(call, "AllowReassociation", false))
        return fc_refuse(refusal, 400, "Resource.AlreadyAssociated",
                         "resource %s is already associated with associate-id %s", address->id,
                         fc_text_at(address->doc, "associationId"));
    if (fc_ec2_dry_run(call, refusal))
        return -1;
    if (!same) {
        if (*there)
            hide_address(call, address);
        if (other)
            hide_address(call, other);
        json_t *doc = fc_ec2_edit(call, address);
        const json_t *card = json_array_get(fc_at(instance->doc, "networkInterfaceSet"), 0);
        mir_id_new(mir_random_system(), random);
        json_object_set_new(doc, "associationId", json_sprintf("eipassoc-0%.16s", random));
        json_object_set_new(doc, "instanceId", json_string(instance->id));
        json_object_set(doc, "networkInterfaceId", fc_at(card, "networkInterfaceId"));
        json_object_set(doc, "privateIpAddress", fc_at(card, "privateIpAddress"));
        json_object_set_new(doc, "networkInterfaceOwnerId", json_string(call->world->account.id));
        show_address(call, instance, address);
    }
    *ret_reply =
        json_pack("{s:b,s:O}", "return", 1, "associationId", fc_at(address->doc, "associationId"));
    return 0;
}

int fc_ec2_disassociate_address(struct fc_call *call, json_t **ret_reply,
                                struct fc_refusal *refusal)
{
    const char *id = fc_param_text(call, "AssociationId");
    struct fc_object *address = address_of(call, "associationId", id);
    if (strncmp(id, "eipassoc-", 9) != 0)
        return fc_refuse(refusal, 400, "InvalidAssociationID.Malformed", "Invalid id: \"%.60s\"",
                         id);
    if (!address)
        return fc_refuse(refusal, 400, "InvalidAssociationID.NotFound",
                         "The association ID '%.60s' does not exist", id);
    if (fc_ec2_dry_run(call, refusal))
        return -1;
    hide_address(call, address);
    *ret_reply = fc_return_true();
    return 0;
}

int fc_ec2_release_address(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *address;
    if (fc_ec2_find_param(call, "elastic-ip", "AllocationId", &address, refusal))
        return -1;
    if (*fc_text_at(address->doc, "associationId"))
        return fc_refuse(refusal, 400, "InvalidIPAddress.InUse", "Address %s is in use.",
                         fc_text_at(address->doc, "publicIp"));
    if (fc_ec2_dry_run(call, refusal))
        return -1;
    fc_store_gone(call->world->store, address, &call->cause, 0);
    *ret_reply = fc_return_true();
    return 0;
}

int fc_ec2_describe_addresses(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    static const struct fc_filter rows[] = {{"allocation-id", "allocationId"},
                                            {"association-id", "associationId"},
                                            {"instance-id", "instanceId"},
                                            {"public-ip", "publicIp"},
                                            {"domain", "domain"},
                                            {"network-interface-id", "networkInterfaceId"},
                                            {NULL, NULL}};
    static const struct fc_listing listing = {.kind = "elastic-ip",
                                              .set = "addressesSet",
                                              .ids = "AllocationId",
                                              .names = "PublicIp",
                                              .name_path = "publicIp",
                                              .rows = rows,
                                              .page_min = 1,
                                              .page_max = 1000};
    return fc_ec2_list(call, &listing, ret_reply, refusal);
}
