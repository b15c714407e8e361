/* SPDX-License-Identifier: ISC */
#include "ec2_attribute.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "ec2_types.h"

#define CONSOLE_BYTES 65536

const struct fc_param fc_params_describe_instance_attribute[] = {
    {"InstanceId", FC_TEXT, true},
    {"Attribute", FC_TEXT, true},
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_modify_instance_attribute[] = {
    {"InstanceId", FC_TEXT, true},
    {"Attribute", FC_TEXT, false},
    {"Value", FC_TEXT, false},
    {"DisableApiTermination.Value", FC_BOOL, false},
    {"DisableApiStop.Value", FC_BOOL, false},
    {"InstanceInitiatedShutdownBehavior.Value", FC_TEXT, false},
    {"SourceDestCheck.Value", FC_BOOL, false},
    {"InstanceType.Value", FC_TEXT, false},
    {"UserData.Value", FC_BASE64, false},
    {"GroupId.#", FC_TEXT, false},
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_describe_instance_status[] = {
    {"InstanceId.#", FC_TEXT, false},
    {"IncludeAllInstances", FC_BOOL, false},
    FC_EC2_FILTERS,
    FC_EC2_PAGE,
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_get_console_output[] = {
    {"InstanceId", FC_TEXT, true},
    {"Latest", FC_BOOL, false},
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_get_console_screenshot[] = {
    {"InstanceId", FC_TEXT, true},
    {"WakeUp", FC_BOOL, false},
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

/* --- attributes --- */

/* Each attribute: where it stands in the document, and what it is when it does not. `said` is the
 * parameter that changes it; NULL: it cannot be changed. */
static const struct attribute {
    const char *name, *path, *said;
    enum { TEXT, FLAG } type;
    bool stopped; /* only then */
} attributes[] = {
    {"instanceType", "instanceType", "InstanceType", TEXT, true},
    {"kernel", "kernelId", NULL, TEXT, true},
    {"ramdisk", "ramdiskId", NULL, TEXT, true},
    {"userData", "_userData", "UserData", TEXT, true},
    {"disableApiTermination", "_disableApiTermination", "DisableApiTermination", FLAG, false},
    {"disableApiStop", "_disableApiStop", "DisableApiStop", FLAG, false},
    {"instanceInitiatedShutdownBehavior", "_shutdown", "InstanceInitiatedShutdownBehavior", TEXT,
     false},
    {"rootDeviceName", "rootDeviceName", NULL, TEXT, false},
    {"sourceDestCheck", "sourceDestCheck", "SourceDestCheck", FLAG, false},
    {"ebsOptimized", "ebsOptimized", NULL, FLAG, true},
    {"enaSupport", "enaSupport", NULL, FLAG, true},
};

static const struct attribute *attribute_named(const char *name)
{
    for (size_t i = 0; name && i < MIR_NELEMS(attributes); i++)
        if (!strcmp(attributes[i].name, name))
            return &attributes[i];
    return NULL;
}

int fc_ec2_describe_instance_attribute(struct fc_call *call, json_t **ret_reply,
                                       struct fc_refusal *refusal)
{
    struct fc_object *instance;
    const char *name = fc_param_text(call, "Attribute");
    const struct attribute *attribute = attribute_named(name);
    bool groups = !strcmp(name, "groupSet"), devices = !strcmp(name, "blockDeviceMapping");
    if (fc_ec2_find_param(call, "instance", "InstanceId", &instance, refusal))
        return -1;
    if (!attribute && !groups && !devices)
        return fc_refuse(refusal, 400, "InvalidParameterValue",
                         "Value (%.60s) for parameter attribute is invalid. Unknown attribute.",
                         name);
    if (fc_ec2_dry_run(call, refusal))
        return -1;
    *ret_reply = json_pack("{s:s}", "instanceId", instance->id);
    json_t *value = fc_at(instance->doc, attribute ? attribute->path : name);
    if (!attribute)
        json_object_set(*ret_reply, name, value);
    else if (attribute->type == FLAG)
        json_object_set_new(*ret_reply, name, json_pack("{s:b}", "value", json_is_true(value)));
    else
        json_object_set_new(*ret_reply, name,
                            value ? json_pack("{s:O}", "value", value) : json_object());
    return 0;
}

/* One change: the attribute, and the new value in its own type (owned). */
struct change {
    const struct attribute *attribute;
    json_t *value;
};

static int set_change(struct change *change, const struct attribute *attribute, const json_t *value,
                      struct fc_refusal *refusal)
{
    if (change->attribute)
        return fc_refuse(refusal, 400, "InvalidParameterCombination",
                         "Fields for multiple attribute types specified");
    change->attribute = attribute;
    change->value = json_incref((json_t *)(uintptr_t)value);
    const char *text = json_string_value(value);
    if (attribute->type == FLAG && text) {
        json_decref(change->value);
        change->value = json_boolean(!strcmp(text, "true"));
    }
    return 0;
}

static int read_change(struct fc_call *call, struct change *change, struct fc_refusal *refusal)
{
    const char *name = fc_param_text(call, "Attribute");
    if (name) {
        const struct attribute *attribute = attribute_named(name);
        if (!attribute || !attribute->said)
            return fc_refuse(refusal, 400, "InvalidParameterValue",
                             "The attribute %.60s cannot be modified", name);
        if (set_change(change, attribute, fc_at(call->params, "Value"), refusal))
            return -1;
    }
    for (size_t i = 0; i < MIR_NELEMS(attributes); i++) {
        const json_t *said =
            attributes[i].said ? fc_at(fc_at(call->params, attributes[i].said), "Value") : NULL;
        if (said && set_change(change, &attributes[i], said, refusal))
            return -1;
    }
    return 0;
}

static int check_change(const struct fc_object *instance, const struct change *change,
                        struct fc_refusal *refusal)
{
    const struct attribute *attribute = change->attribute;
    const char *text = json_string_value(change->value);
    if (attribute->stopped && fc_instance_code(instance->doc) != 80)
        return fc_refuse(refusal, 400, "IncorrectInstanceState",
                         "The instance '%s' is not in the 'stopped' state.", instance->id);
    if (!strcmp(attribute->name, "instanceType") && !fc_type_find(text))
        return fc_refuse(refusal, 400, "InvalidInstanceAttributeValue",
                         "The instance type '%.40s' is not supported", text);
    if (!strcmp(attribute->name, "instanceInitiatedShutdownBehavior") &&
        strcmp(text, "stop") != 0 && strcmp(text, "terminate") != 0)
        return fc_refuse(refusal, 400, "InvalidParameterValue",
                         "Value (%.40s) for parameter value is invalid. Unknown shutdown behavior.",
                         text);
    if (!strcmp(attribute->name, "instanceInitiatedShutdownBehavior") && !strcmp(text, "stop") &&
        !strcmp(fc_text_at(instance->doc, "rootDeviceType"), "instance-store"))
        return fc_refuse(refusal, 400, "UnsupportedOperation",
                         "The instance '%s' does not have an 'ebs' root device type and cannot be "
                         "stopped.",
                         instance->id);
    return 0;
}

/* Other security groups, on the instance and its interface. */
static int change_groups(struct fc_call *call, struct fc_object *instance,
                         struct fc_refusal *refusal)
{
    json_t *groups = json_array(), *id;
    size_t i;
    json_array_foreach(fc_param_list(call, "GroupId"), i, id)
    {
        struct fc_object *group;
        if (fc_ec2_find(call, "security-group", json_string_value(id), &group, refusal)) {
            json_decref(groups);
            return -1;
        }
        json_array_append_new(groups, json_pack("{s:s,s:s}", "groupId", group->id, "groupName",
                                                fc_text_at(group->doc, "groupName")));
    }
    if (fc_ec2_dry_run(call, refusal)) {
        json_decref(groups);
        return -1;
    }
    json_t *doc = fc_ec2_edit(call, instance);
    const json_t *card = json_array_get(fc_at(doc, "networkInterfaceSet"), 0);
    struct fc_object *interface =
        fc_store_get(call->world->store, "network-interface", call->region,
                     fc_text_at(card, "networkInterfaceId"));
    json_object_set(doc, "groupSet", groups);
    if (interface) {
        json_object_set(fc_ec2_edit(call, interface), "groupSet", groups);
        fc_interface_show(instance, interface->doc);
    }
    json_decref(groups);
    return 0;
}

int fc_ec2_modify_instance_attribute(struct fc_call *call, json_t **ret_reply,
                                     struct fc_refusal *refusal)
{
    struct fc_object *instance;
    struct change change = {0};
    if (fc_ec2_find_param(call, "instance", "InstanceId", &instance, refusal))
        return -1;
    int rc = read_change(call, &change, refusal);
    if (!rc && !change.attribute && !fc_param_list(call, "GroupId"))
        rc = fc_refuse(refusal, 400, "InvalidParameterCombination", "No attributes specified.");
    if (!rc && change.attribute)
        rc = check_change(instance, &change, refusal);
    if (!rc && change.attribute)
        rc = fc_ec2_dry_run(call, refusal);
    if (!rc && fc_param_list(call, "GroupId"))
        rc = change_groups(call, instance, refusal);
    if (!rc && change.attribute)
        json_object_set(fc_ec2_edit(call, instance), change.attribute->path, change.value);
    json_decref(change.value);
    if (!rc)
        *ret_reply = fc_return_true();
    return rc;
}

/* --- status --- */

static bool status_wanted(struct fc_call *call, const struct fc_object *object, const json_t *doc)
{
    return fc_param_bool(call, "IncludeAllInstances", false) || fc_instance_code(doc) == 16;
}

static json_t *status_item(struct fc_call *call, const struct fc_object *object, const json_t *doc)
{
    bool running = fc_instance_code(doc) == 16;
    const char *status = running ? "ok" : "not-applicable";
    json_t *details = json_pack("[{s:s,s:s}]", "name", "reachability", "status",
                                running ? "passed" : "insufficient-data");
    return json_pack("{s:s,s:O,s:O,s:{s:s,s:O},s:{s:s,s:o}}", "instanceId", object->id,
                     "availabilityZone", fc_at(doc, "placement.availabilityZone"), "instanceState",
                     fc_at(doc, "instanceState"), "systemStatus", "status", status, "details",
                     details, "instanceStatus", "status", status, "details", details);
}

int fc_ec2_describe_instance_status(struct fc_call *call, json_t **ret_reply,
                                    struct fc_refusal *refusal)
{
    static const struct fc_filter rows[] = {{"instance-state-name", "instanceState.name"},
                                            {"instance-state-code", "instanceState.code"},
                                            {"availability-zone", "placement.availabilityZone"},
                                            {NULL, NULL}};
    static const struct fc_listing listing = {.kind = "instance",
                                              .set = "instanceStatusSet",
                                              .ids = "InstanceId",
                                              .rows = rows,
                                              .page_min = 5,
                                              .page_max = 1000,
                                              .wanted = status_wanted,
                                              .item = status_item};
    return fc_ec2_list(call, &listing, ret_reply, refusal);
}

/* --- the console --- */

void fc_console_add(struct fc_world *world, struct fc_object *instance, const char *text,
                    int64_t now_ms)
{
    json_t *doc = fc_store_edit(world->store, instance, now_ms, 0);
    const char *before = fc_text_at(doc, "_console");
    size_t before_len = strlen(before), len = strlen(text);
    if (before_len + len > CONSOLE_BYTES) {
        size_t drop = before_len + len - CONSOLE_BYTES;
        before += drop < before_len ? drop : before_len;
        text += drop < before_len ? 0 : drop - before_len;
    }
    json_object_set_new(doc, "_console", json_sprintf("%s%s", before, text));
    json_object_set_new(doc, "_consoleAt", json_integer(now_ms));
}

/* The text as base64; owned. */
static char *base64(const char *text, size_t len)
{
    char *out = mir_calloc(len / 3 * 4 + 8, 1);
    EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)text, (int)len);
    return out;
}

/* Only Nitro shows it at any time; else it is what was there when the state last changed. */
int fc_ec2_get_console_output(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *instance;
    bool latest = fc_param_bool(call, "Latest", false);
    if (fc_ec2_find_param(call, "instance", "InstanceId", &instance, refusal))
        return -1;
    const struct fc_instance_type *type = fc_type_find(fc_text_at(instance->doc, "instanceType"));
    if (latest && strcmp(type->hypervisor, "nitro") != 0)
        return fc_refuse(refusal, 400, "UnsupportedOperation",
                         "This instance type does not support retrieving the latest console logs.");
    if (fc_ec2_dry_run(call, refusal))
        return -1;
    const char *text = fc_text_at(instance->doc, latest ? "_console" : "_consoleKept");
    const json_t *at = fc_at(instance->doc, latest ? "_consoleAt" : "_consoleKeptAt");
    *ret_reply = json_pack("{s:s,s:o}", "instanceId", instance->id, "timestamp",
                           fc_time_json(at ? json_integer_value(at) : call->now_ms));
    if (*text) {
        mir_auto_free char *encoded = base64(text, strlen(text));
        json_object_set_new(*ret_reply, "output", json_string(encoded));
    }
    return 0;
}

/* The picture of a dark screen: a JPEG of 8 x 8 grey pixels. */
static const unsigned char dark[] = {
    0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 'J',  'F',  'I',  'F',  0x00, 0x01, 0x01, 0x00, 0x00, 0x01,
    0x00, 0x01, 0x00, 0x00, 0xff, 0xdb, 0x00, 0x43, 0x00, 16,   11,   10,   16,   24,   40,   51,
    61,   12,   12,   14,   19,   26,   58,   60,   55,   14,   13,   16,   24,   40,   57,   69,
    56,   14,   17,   22,   29,   51,   87,   80,   62,   18,   22,   37,   56,   68,   109,  103,
    77,   24,   35,   55,   64,   81,   104,  113,  92,   49,   64,   78,   87,   103,  121,  120,
    101,  72,   92,   95,   98,   112,  100,  103,  99,   0xff, 0xc0, 0x00, 0x0b, 0x08, 0x00, 0x08,
    0x00, 0x08, 0x01, 0x01, 0x11, 0x00, 0xff, 0xc4, 0x00, 0x14, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xc4, 0x00, 0x14,
    0x10, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0xff, 0xda, 0x00, 0x08, 0x01, 0x01, 0x00, 0x00, 0x3f, 0x00, 0x3f, 0xff, 0xd9};

int fc_ec2_get_console_screenshot(struct fc_call *call, json_t **ret_reply,
                                  struct fc_refusal *refusal)
{
    struct fc_object *instance;
    if (fc_ec2_find_param(call, "instance", "InstanceId", &instance, refusal))
        return -1;
    if (fc_instance_code(instance->doc) != 16)
        return fc_refuse(refusal, 400, "IncorrectInstanceState",
                         "The instance '%s' is not in the 'running' state.", instance->id);
    if (fc_ec2_dry_run(call, refusal))
        return -1;
    mir_auto_free char *encoded = base64((const char *)dark, sizeof dark);
    *ret_reply = json_pack("{s:s,s:s}", "instanceId", instance->id, "imageData", encoded);
    return 0;
}
