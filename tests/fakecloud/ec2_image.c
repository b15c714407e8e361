/* SPDX-License-Identifier: ISC */
/* Images: what is registered is kept, and held against itself. */
#include "ec2_image.h"

#include <inttypes.h>
#include <string.h>

#include "api/memory.h"
#include "bundle.h"

const struct fc_param fc_params_describe_images[] = {
    {"ImageId.#", FC_TEXT, false},
    {"Owner.#", FC_TEXT, false},
    {"ExecutableBy.#", FC_TEXT, false},
    {"IncludeDeprecated", FC_BOOL, false},
    {"IncludeDisabled", FC_BOOL, false},
    FC_EC2_FILTERS,
    FC_EC2_PAGE,
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_register_image[] = {
    {"Name", FC_TEXT, true},
    {"Description", FC_TEXT, false},
    {"ImageLocation", FC_TEXT, false},
    {"Architecture", FC_TEXT, false},
    {"VirtualizationType", FC_TEXT, false},
    {"RootDeviceName", FC_TEXT, false},
    {"EnaSupport", FC_BOOL, false},
    {"SriovNetSupport", FC_TEXT, false},
    {"KernelId", FC_TEXT, false},
    {"RamdiskId", FC_TEXT, false},
    {"BootMode", FC_TEXT, false},
    {"TpmSupport", FC_TEXT, false},
    {"UefiData", FC_TEXT, false},
    {"ImdsSupport", FC_TEXT, false},
    {"BlockDeviceMapping.#.DeviceName", FC_TEXT, false},
    {"BlockDeviceMapping.#.VirtualName", FC_TEXT, false},
    {"BlockDeviceMapping.#.NoDevice", FC_TEXT, false},
    {"BlockDeviceMapping.#.Ebs.SnapshotId", FC_TEXT, false},
    {"BlockDeviceMapping.#.Ebs.VolumeSize", FC_INT, false},
    {"BlockDeviceMapping.#.Ebs.VolumeType", FC_TEXT, false},
    {"BlockDeviceMapping.#.Ebs.DeleteOnTermination", FC_BOOL, false},
    {"BlockDeviceMapping.#.Ebs.Encrypted", FC_BOOL, false},
    {"BlockDeviceMapping.#.Ebs.Iops", FC_INT, false},
    {"BlockDeviceMapping.#.Ebs.Throughput", FC_INT, false},
    FC_EC2_TAGS,
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_deregister_image[] = {
    {"ImageId", FC_TEXT, true},
    {"DeleteAssociatedSnapshots", FC_BOOL, false},
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_create_image[] = {
    {"InstanceId", FC_TEXT, true},
    {"Name", FC_TEXT, true},
    {"Description", FC_TEXT, false},
    {"NoReboot", FC_BOOL, false},
    FC_EC2_TAGS,
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

/* --- describe --- */

bool fc_owner_wanted(struct fc_call *call, const char *owner, const char *alias)
{
    const json_t *owners = fc_param_list(call, "Owner");
    size_t i;
    json_t *value;
    json_array_foreach((json_t *)(uintptr_t)owners, i, value)
    {
        const char *text = json_string_value(value);
        if (!strcmp(text, owner) || !strcmp(text, alias) ||
            (!strcmp(text, "self") && !strcmp(owner, call->world->account.id)))
            return true;
    }
    return !owners;
}

static bool image_wanted(struct fc_call *call, const struct fc_object *object, const json_t *doc)
{
    return fc_owner_wanted(call, fc_text_at(doc, "imageOwnerId"),
                           fc_text_at(doc, "imageOwnerAlias"));
}

static const struct fc_filter image_filters[] = {
    {"image-id", "imageId"},
    {"name", "name"},
    {"description", "description"},
    {"state", "imageState"},
    {"architecture", "architecture"},
    {"virtualization-type", "virtualizationType"},
    {"root-device-name", "rootDeviceName"},
    {"root-device-type", "rootDeviceType"},
    {"owner-id", "imageOwnerId"},
    {"owner-alias", "imageOwnerAlias"},
    {"is-public", "isPublic"},
    {"image-type", "imageType"},
    {"kernel-id", "kernelId"},
    {"ena-support", "enaSupport"},
    {"boot-mode", "bootMode"},
    {"manifest-location", "imageLocation"},
    {"block-device-mapping.snapshot-id", "blockDeviceMapping[].ebs.snapshotId"},
    {"block-device-mapping.device-name", "blockDeviceMapping[].deviceName"},
    {NULL, NULL},
};

int fc_ec2_describe_images(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    static const struct fc_listing listing = {.kind = "image",
                                              .set = "imagesSet",
                                              .ids = "ImageId",
                                              .rows = image_filters,
                                              .page_min = 1,
                                              .page_max = 1000,
                                              .wanted = image_wanted};
    return fc_ec2_list(call, &listing, ret_reply, refusal);
}

/* --- register: the checks --- */

static int check_name(struct fc_call *call, struct fc_refusal *refusal)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "()[] ./-'@_";
    const char *name = fc_param_text(call, "Name");
    size_t len = strlen(name);
    if (len < 3 || len > 128 || strspn(name, plain) != len)
        return fc_refuse(refusal, 400, "InvalidAMIName.Malformed",
                         "AMI names must be between 3 and 128 characters long, and may contain "
                         "letters, numbers, '(', ')', '.', '-', '/' and '_'");
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, "image", call->region));)
        if (!strcmp(fc_text_at(o->doc, "name"), name) &&
            !strcmp(fc_text_at(o->doc, "imageOwnerId"), call->world->account.id))
            return fc_refuse(refusal, 400, "InvalidAMIName.Duplicate",
                             "AMI name %s is already in use by AMI %s", name, o->id);
    return 0;
}

static const char *text_or(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

static int check_word(struct fc_call *call, const char *param, const char *const *words,
                      struct fc_refusal *refusal)
{
    const char *value = fc_param_text(call, param);
    for (; value && *words; words++)
        if (!strcmp(*words, value))
            return 0;
    return value ? fc_refuse(refusal, 400, "InvalidParameterValue",
                             "Value (%.60s) for parameter %s is invalid.", value, param)
                 : 0;
}

static int check_words(struct fc_call *call, struct fc_refusal *refusal)
{
    static const char *const arches[] = {"i386", "x86_64", "arm64", NULL};
    static const char *const virts[] = {"hvm", "paravirtual", NULL};
    static const char *const boots[] = {"legacy-bios", "uefi", "uefi-preferred", NULL};
    static const char *const v2[] = {"v2.0", NULL};
    return check_word(call, "Architecture", arches, refusal) ||
                   check_word(call, "VirtualizationType", virts, refusal) ||
                   check_word(call, "BootMode", boots, refusal) ||
                   check_word(call, "TpmSupport", v2, refusal) ||
                   check_word(call, "ImdsSupport", v2, refusal)
               ? -1
               : 0;
}

/* What cannot go together. */
static int check_sense(struct fc_call *call, struct fc_refusal *refusal)
{
    const char *arch = text_or(fc_param_text(call, "Architecture"), "i386");
    const char *virt = text_or(fc_param_text(call, "VirtualizationType"), "paravirtual");
    const char *boot = fc_param_text(call, "BootMode");
    bool hvm = !strcmp(virt, "hvm"), arm = !strcmp(arch, "arm64");
    bool uefi = boot && !strncmp(boot, "uefi", 4), bios = boot && !strcmp(boot, "legacy-bios");
    bool only_uefi = boot && !strcmp(boot, "uefi");
    const struct {
        bool wrong;
        const char *text;
    } rows[] = {
        {!hvm && fc_param_bool(call, "EnaSupport", false), "ENA needs hvm"},
        {!hvm && uefi, "UEFI needs hvm"},
        {!hvm && arm, "arm64 needs hvm"},
        {arm && bios, "arm64 boots by UEFI alone"},
        {!strcmp(arch, "i386") && uefi, "i386 does not boot by UEFI"},
        {hvm && fc_param_text(call, "KernelId"), "a kernel is for paravirtual images"},
        {fc_param_text(call, "TpmSupport") && !only_uefi, "a TPM needs UEFI"},
        {fc_param_text(call, "ImageLocation") && fc_at(call->params, "BlockDeviceMapping"),
         "an image is a manifest in S3 or a snapshot, not both"},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        if (rows[i].wrong)
            return fc_refuse(refusal, 400, "InvalidParameterCombination", "%s", rows[i].text);
    struct fc_object *kernel;
    const char *kernel_id = fc_param_text(call, "KernelId");
    return kernel_id ? fc_ec2_find(call, "image", kernel_id, &kernel, refusal) : 0;
}

/* --- register: the devices --- */

/* A volume of a snapshot is as the snapshot is. Source: RegisterImage, "You can't set the
 * encryption state of the volume using the block device mapping"; the code is the one that launches
 * were refused with. */
static int check_encrypted(const json_t *ebs, struct fc_refusal *refusal)
{
    if (!fc_at(ebs, "SnapshotId") || !fc_at(ebs, "Encrypted"))
        return 0;
    return fc_refuse(refusal, 400, "InvalidParameter",
                     "Parameter encrypted is invalid. You cannot specify the encrypted flag if "
                     "specifying a snapshot id in a block device mapping.");
}

static int add_ebs(struct fc_call *call, json_t *list, const json_t *said,
                   struct fc_refusal *refusal)
{
    struct fc_object *snapshot = NULL;
    const json_t *ebs = fc_at(said, "Ebs"), *deletes = fc_at(ebs, "DeleteOnTermination");
    const char *id = json_string_value(fc_at(ebs, "SnapshotId"));
    const char *type = json_string_value(fc_at(ebs, "VolumeType"));
    if (check_encrypted(ebs, refusal) ||
        (id && fc_ec2_find(call, "snapshot", id, &snapshot, refusal)))
        return -1;
    if (snapshot && strcmp(fc_text_at(snapshot->doc, "status"), "completed") != 0)
        return fc_refuse(refusal, 400, "IncorrectState", "The snapshot %s is %s, not completed", id,
                         fc_text_at(snapshot->doc, "status"));
    int64_t least = snapshot ? json_integer_value(fc_at(snapshot->doc, "volumeSize")) : 1;
    const json_t *size_said = fc_at(ebs, "VolumeSize");
    int64_t size = size_said ? json_integer_value(size_said) : snapshot ? least : 0;
    if (size < least || size > 65536)
        return fc_refuse(refusal, 400, "InvalidBlockDeviceMapping",
                         "Volume of size %" PRId64 "GB is smaller than %" PRId64 "GB, or too large",
                         size, least);
    json_t *entry = json_pack(
        "{s:s,s:{s:i,s:b,s:s,s:b}}", "deviceName", fc_text_at(said, "DeviceName"), "ebs",
        "volumeSize", (int)size, "deleteOnTermination", !deletes || json_is_true(deletes),
        "volumeType", text_or(type, "gp2"), "encrypted",
        json_is_true(snapshot ? fc_at(snapshot->doc, "encrypted") : fc_at(ebs, "Encrypted")));
    if (id)
        json_object_set_new(fc_at(entry, "ebs"), "snapshotId", json_string(id));
    json_array_append_new(list, entry);
    return 0;
}

static int read_devices(struct fc_call *call, json_t *list, struct fc_refusal *refusal)
{
    const char *root = fc_param_text(call, "RootDeviceName");
    bool has_root = false;
    size_t i;
    json_t *said;
    if (fc_param_text(call, "ImageLocation"))
        return 0;
    if (!root)
        return fc_refuse(refusal, 400, "MissingParameter",
                         "The request must contain the parameter RootDeviceName");
    json_array_foreach(fc_param_list(call, "BlockDeviceMapping"), i, said)
    {
        const char *device = fc_text_at(said, "DeviceName");
        if (!*device)
            return fc_refuse(refusal, 400, "InvalidBlockDeviceMapping", "a device has no name");
        if (!fc_at(said, "Ebs"))
            continue;
        if (add_ebs(call, list, said, refusal))
            return -1;
        has_root |= !strcmp(device, root) && fc_at(said, "Ebs.SnapshotId");
    }
    return has_root ? 0
                    : fc_refuse(refusal, 400, "InvalidBlockDeviceMapping",
                                "The root device %.60s is mapped to no snapshot", root);
}

/* A bundle has to be there, whole, and to be of what the image is said to be of. */
static int check_location(struct fc_call *call, struct fc_bundle *bundle,
                          struct fc_refusal *refusal)
{
    const char *location = fc_param_text(call, "ImageLocation");
    const char *arch = fc_param_text(call, "Architecture");
    bool hvm = !strcmp(text_or(fc_param_text(call, "VirtualizationType"), "paravirtual"), "hvm");
    if (!location)
        return 0;
    if (fc_bundle_check(call, location, bundle, refusal))
        return -1;
    if (arch && strcmp(arch, bundle->architecture) != 0)
        return fc_refuse(refusal, 400, "InvalidParameterCombination",
                         "The manifest is of architecture %s, not %.20s", bundle->architecture,
                         arch);
    if (hvm && *bundle->kernel)
        return fc_refuse(refusal, 400, "InvalidParameterCombination",
                         "a kernel is for paravirtual images");
    return 0;
}

/* What the manifest says counts where the request says nothing. */
static void add_bundle(json_t *doc, const struct fc_bundle *bundle)
{
    json_object_set_new(doc, "architecture", json_string(bundle->architecture));
    if (*bundle->kernel && !fc_at(doc, "kernelId"))
        json_object_set_new(doc, "kernelId", json_string(bundle->kernel));
}

/* --- register: the deed --- */

static const char *const image_tags[] = {"image", "snapshot", NULL};

static json_t *image_doc(struct fc_call *call, json_t *devices)
{
    const char *location = fc_param_text(call, "ImageLocation");
    mir_auto_free char *own_location =
        mir_format("%s/%s", call->world->account.id, fc_param_text(call, "Name"));
    json_t *doc = json_pack(
        "{s:s,s:s,s:s,s:b,s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:s,s:s,s:b}", "imageLocation",
        text_or(location, own_location), "imageState", "pending", "imageOwnerId",
        call->world->account.id, "isPublic", 0, "architecture",
        text_or(fc_param_text(call, "Architecture"), "i386"), "imageType", "machine", "name",
        fc_param_text(call, "Name"), "platformDetails", "Linux/UNIX", "usageOperation",
        "RunInstances", "rootDeviceType", location ? "instance-store" : "ebs", "blockDeviceMapping",
        devices, "virtualizationType",
        text_or(fc_param_text(call, "VirtualizationType"), "paravirtual"), "hypervisor", "xen",
        "enaSupport", (int)fc_param_bool(call, "EnaSupport", false));
    static const struct {
        const char *param, *member;
    } rows[] = {{"Description", "description"}, {"RootDeviceName", "rootDeviceName"},
                {"KernelId", "kernelId"},       {"RamdiskId", "ramdiskId"},
                {"BootMode", "bootMode"},       {"TpmSupport", "tpmSupport"},
                {"ImdsSupport", "imdsSupport"}, {"SriovNetSupport", "sriovNetSupport"},
                {"UefiData", "_uefiData"}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        json_t *value = fc_at(call->params, rows[i].param);
        if (value)
            json_object_set(doc, rows[i].member, value);
    }
    json_object_set_new(doc, "creationDate", fc_time_json(call->now_ms));
    return doc;
}

static struct fc_object *make_image(struct fc_call *call, json_t *doc, json_t *tags)
{
    json_object_set_new(doc, "tagSet", tags);
    struct fc_object *image = fc_ec2_make(call, "image", doc);
    json_object_set_new(doc, "imageId", json_string(image->id));
    image->due_ms = call->now_ms + call->world->settings.snapshot_ms;
    return image;
}

int fc_ec2_register_image(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    json_t *tags = NULL, *devices = json_array();
    fc_auto_bundle struct fc_bundle bundle = {.files = NULL};
    if (check_name(call, refusal) || check_words(call, refusal) || check_sense(call, refusal) ||
        check_location(call, &bundle, refusal) || read_devices(call, devices, refusal) ||
        fc_ec2_new_tags(call, "image", image_tags, &tags, refusal)) {
        json_decref(devices);
        return -1;
    }
    if (fc_ec2_dry_run(call, refusal)) {
        json_decref(devices);
        json_decref(tags);
        return -1;
    }
    json_t *doc = image_doc(call, devices);
    if (bundle.files)
        add_bundle(doc, &bundle);
    const struct fc_object *image = make_image(call, doc, tags);
    *ret_reply = json_pack("{s:s}", "imageId", image->id);
    return 0;
}

void fc_tick_image(struct fc_world *world, struct fc_object *image, const struct fc_cause *cause)
{
    json_object_set_new(fc_ec2_edit_at(world, image, cause->now_ms), "imageState",
                        json_string("available"));
}

/* --- an image of an instance --- */

static json_t *snapshots_of(struct fc_call *call, const struct fc_object *instance,
                            const json_t *tags)
{
    json_t *devices = json_array(), *device;
    size_t i;
    json_array_foreach(fc_at(instance->doc, "blockDeviceMapping"), i, device)
    {
        const struct fc_object *volume = fc_store_get(call->world->store, "volume", call->region,
                                                      fc_text_at(device, "ebs.volumeId"));
        int64_t gib = json_integer_value(fc_at(volume->doc, "size"));
        mir_auto_free char *text = mir_format("Created by CreateImage(%s)", instance->id);
        const struct fc_object *snapshot =
            fc_snapshot_make(call, gib, text, volume->id, fc_copy_array(tags),
                             fc_text_at(volume->doc, "snapshotId"));
        json_array_append_new(
            devices, json_pack("{s:s,s:{s:s,s:I,s:b,s:s,s:b}}", "deviceName",
                               fc_text_at(device, "deviceName"), "ebs", "snapshotId", snapshot->id,
                               "volumeSize", (json_int_t)gib, "deleteOnTermination",
                               json_is_true(fc_at(device, "ebs.deleteOnTermination")), "volumeType",
                               fc_text_at(volume->doc, "volumeType"), "encrypted", 0));
    }
    return devices;
}

static void copy_from_instance(json_t *doc, const struct fc_object *instance)
{
    static const char *const members[] = {"architecture", "virtualizationType", "enaSupport",
                                          "bootMode",     "kernelId",           "rootDeviceName"};
    for (size_t i = 0; i < MIR_NELEMS(members); i++) {
        json_t *value = fc_at(instance->doc, members[i]);
        if (value)
            json_object_set(doc, members[i], value);
    }
}

int fc_ec2_create_image(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *instance;
    json_t *image_set = NULL, *snapshot_set = NULL;
    int rc = fc_ec2_find_param(call, "instance", "InstanceId", &instance, refusal);
    if (!rc)
        rc = check_name(call, refusal);
    if (!rc && fc_instance_code(instance->doc) != 16 && fc_instance_code(instance->doc) != 80)
        rc = fc_refuse(refusal, 400, "IncorrectState", "The instance %s is not running or stopped",
                       instance->id);
    if (!rc)
        rc = fc_ec2_new_tags(call, "image", image_tags, &image_set, refusal);
    if (!rc)
        rc = fc_ec2_new_tags(call, "snapshot", image_tags, &snapshot_set, refusal);
    if (!rc)
        rc = fc_ec2_dry_run(call, refusal);
    if (!rc) {
        json_t *doc = image_doc(call, snapshots_of(call, instance, snapshot_set));
        copy_from_instance(doc, instance);
        *ret_reply =
            json_pack("{s:s}", "imageId", make_image(call, doc, json_incref(image_set))->id);
    }
    json_decref(image_set);
    json_decref(snapshot_set);
    return rc;
}

/* --- deregister --- */

static json_t *delete_snapshots(struct fc_call *call, const struct fc_object *image)
{
    json_t *results = json_array(), *device;
    size_t i;
    json_array_foreach(fc_at(image->doc, "blockDeviceMapping"), i, device)
    {
        struct fc_object *snapshot = fc_store_get(call->world->store, "snapshot", call->region,
                                                  fc_text_at(device, "ebs.snapshotId"));
        if (!snapshot)
            continue;
        bool used = fc_snapshot_user(call->world, snapshot) != NULL;
        json_array_append_new(results, json_pack("{s:s,s:s}", "snapshotId", snapshot->id,
                                                 "returnCode", used ? "skipped" : "success"));
        if (!used)
            fc_snapshot_end(call->world, snapshot, &call->cause);
    }
    return results;
}

int fc_ec2_deregister_image(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *image;
    if (fc_ec2_find_param(call, "image", "ImageId", &image, refusal))
        return -1;
    if (strcmp(fc_text_at(image->doc, "imageOwnerId"), call->world->account.id) != 0)
        return fc_refuse(refusal, 400, "AuthFailure", "Not authorized for image %s", image->id);
    if (fc_ec2_dry_run(call, refusal))
        return -1;
    fc_store_gone(call->world->store, image, &call->cause, 0);
    *ret_reply = fc_return_true();
    if (fc_param_bool(call, "DeleteAssociatedSnapshots", false))
        json_object_set_new(*ret_reply, "deleteSnapshotResultSet", delete_snapshots(call, image));
    return 0;
}
