/* SPDX-License-Identifier: ISC */
/* Where a kernel starts: the half of the kernel document that the compatibility table fills. */
#include <string.h>

#include "api/memory.h"
#include "kernel_json.h"

static const char *const verdicts[] = {"unknown", "boots", "no-network", "cannot", "carrier"};
static const char *const powers[] = {"unknown", "yes", "no"};
static const char *const carriers[] = {"none", "linux", "xen", "shim"};
static const char *const images[] = {"", "raw", "qcow2", "vhd"};
static const char *const layouts[] = {"", "bios", "uefi", "pvgrub", "pvgrub-bare"};
static const char *const firmwares[] = {"", "bios", "uefi"};
static const char *const buses[] = {"", "ide", "scsi", "virtio", "nvme", "xen"};
static const char *const nics[] = {"", "virtio", "ena", "xen"};

int mir_name_index(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; name && i < count; i++)
        if (!strcmp(names[i], name))
            return (int)i;
    return -1;
}

const char *mir_name_at(const char *const *names, size_t count, unsigned index)
{
    return names[index < count ? index : 0];
}

#define NAME_FUNCTION(function, type, names)                                                       \
    const char *function(type value)                                                               \
    {                                                                                              \
        return mir_name_at(names, MIR_NELEMS(names), value);                                       \
    }

NAME_FUNCTION(mir_verdict_name, enum mir_verdict, verdicts)
NAME_FUNCTION(mir_powers_off_name, enum mir_powers_off, powers)
NAME_FUNCTION(mir_carrier_name, enum mir_carrier, carriers)
NAME_FUNCTION(mir_image_name, enum mir_image, images)
NAME_FUNCTION(mir_layout_name, enum mir_layout, layouts)
NAME_FUNCTION(mir_firmware_name, enum mir_firmware, firmwares)
NAME_FUNCTION(mir_bus_name, enum mir_bus, buses)
NAME_FUNCTION(mir_nic_name, enum mir_nic, nics)

const struct mir_boots *mir_kernel_boots(const struct mir_kernel *kernel, const char *provider)
{
    for (unsigned i = 0; i < kernel->boots_count; i++)
        if (!strcmp(kernel->boots[i].provider, provider))
            return &kernel->boots[i];
    return NULL;
}

const struct mir_family *mir_kernel_family(const struct mir_kernel *kernel, const char *provider,
                                           const char *family)
{
    const struct mir_boots *boots = mir_kernel_boots(kernel, provider);
    for (unsigned i = 0; boots && i < kernel->family_count; i++)
        if (&kernel->boots[kernel->families[i].boots] == boots &&
            !strcmp(kernel->families[i].family, family))
            return &kernel->families[i];
    return NULL;
}

/* --- writing --- */

static void set_name(json_t *object, const char *field, const char *name)
{
    if (*name)
        json_object_set_new(object, field, json_string(name));
}

/* What is not needed is not named. */
static json_t *needs_to_json(const struct mir_needs *needs)
{
    json_t *object = json_object();
    set_name(object, "image", mir_image_name(needs->image));
    set_name(object, "boot", mir_layout_name(needs->layout));
    set_name(object, "firmware", mir_firmware_name(needs->firmware));
    set_name(object, "disk_bus", mir_bus_name(needs->disk_bus));
    set_name(object, "nic", mir_nic_name(needs->nic));
    if (needs->ena)
        json_object_set_new(object, "ena", json_true());
    if (needs->direct_kernel)
        json_object_set_new(object, "direct_kernel", json_true());
    if (needs->virtualisation)
        json_object_set_new(object, "virtualisation", json_true());
    return object;
}

json_t *mir_kernel_families_json(const struct mir_kernel *kernel, const char *provider)
{
    const struct mir_boots *boots = mir_kernel_boots(kernel, provider);
    json_t *list = json_array();
    for (unsigned i = 0; boots && i < kernel->family_count; i++) {
        const struct mir_family *f = &kernel->families[i];
        if (&kernel->boots[f->boots] == boots)
            json_array_append_new(list,
                                  json_pack("{s:s, s:s, s:s, s:o, s:s, s:s}", "family", f->family,
                                            "verdict", mir_verdict_name(f->verdict), "why", f->why,
                                            "needs", needs_to_json(&f->needs), "powers_off",
                                            mir_powers_off_name(f->powers_off), "carrier",
                                            mir_carrier_name(f->carrier)));
    }
    return list;
}

json_t *mir_boots_to_json(const struct mir_kernel *kernel)
{
    json_t *map = json_object();
    for (unsigned i = 0; i < kernel->boots_count; i++) {
        const struct mir_boots *row = &kernel->boots[i];
        json_object_set_new(map, row->provider,
                            json_pack("{s:s, s:s, s:s, s:o}", "verdict",
                                      mir_verdict_name(row->verdict), "how", row->how, "why",
                                      row->why, "families",
                                      mir_kernel_families_json(kernel, row->provider)));
    }
    return map;
}

/* --- reading --- */

int mir_kernel_bad(struct mir_error *err, const char *field)
{
    return mir_fail(err, MIR_CORRUPT, "kernel document: field '%s' is missing or not valid", field);
}

int mir_kernel_get_name(const json_t *json, const char *field, const char *const *names,
                        size_t count, unsigned *ret, struct mir_error *err)
{
    int index = mir_name_index(names, count, json_string_value(json_object_get(json, field)));
    if (index < 0)
        return mir_kernel_bad(err, field);
    *ret = (unsigned)index;
    return 0;
}

int mir_kernel_get_text(const json_t *json, const char *field, char *out, size_t size,
                        struct mir_error *err)
{
    const char *text = json_string_value(json_object_get(json, field));
    if (!text || mir_copy(out, size, text))
        return mir_kernel_bad(err, field);
    return 0;
}

int mir_powers_off_from_json(const json_t *json, enum mir_powers_off *ret, struct mir_error *err)
{
    unsigned power;
    if (mir_kernel_get_name(json, "powers_off", powers, MIR_NELEMS(powers), &power, err))
        return -1;
    *ret = (enum mir_powers_off)power;
    return 0;
}

/* 0 (none) where the field is missing. */
static int get_need(const json_t *json, const char *field, const char *const *names, size_t count,
                    unsigned *ret, struct mir_error *err)
{
    *ret = 0;
    return json_object_get(json, field) ? mir_kernel_get_name(json, field, names, count, ret, err)
                                        : 0;
}

static int get_flag(const json_t *json, const char *field, bool *ret, struct mir_error *err)
{
    const json_t *value = json_object_get(json, field);
    if (value && !json_is_boolean(value))
        return mir_kernel_bad(err, field);
    *ret = json_is_true(value);
    return 0;
}

static int get_needs(const json_t *json, struct mir_needs *ret, struct mir_error *err)
{
    unsigned image, layout, firmware, bus, nic;
    if (!json_is_object(json))
        return mir_kernel_bad(err, "needs");
    if (get_need(json, "image", images, MIR_NELEMS(images), &image, err) ||
        get_need(json, "boot", layouts, MIR_NELEMS(layouts), &layout, err) ||
        get_need(json, "firmware", firmwares, MIR_NELEMS(firmwares), &firmware, err) ||
        get_need(json, "disk_bus", buses, MIR_NELEMS(buses), &bus, err) ||
        get_need(json, "nic", nics, MIR_NELEMS(nics), &nic, err) ||
        get_flag(json, "ena", &ret->ena, err) ||
        get_flag(json, "direct_kernel", &ret->direct_kernel, err) ||
        get_flag(json, "virtualisation", &ret->virtualisation, err))
        return -1;
    ret->image = (enum mir_image)image;
    ret->layout = (enum mir_layout)layout;
    ret->firmware = (enum mir_firmware)firmware;
    ret->disk_bus = (enum mir_bus)bus;
    ret->nic = (enum mir_nic)nic;
    return 0;
}

static int get_family(const json_t *json, struct mir_family *ret, struct mir_error *err)
{
    unsigned verdict, carrier;
    if (mir_kernel_get_text(json, "family", ret->family, sizeof ret->family, err) ||
        mir_kernel_get_name(json, "verdict", verdicts, MIR_NELEMS(verdicts), &verdict, err) ||
        mir_kernel_get_text(json, "why", ret->why, sizeof ret->why, err) ||
        get_needs(json_object_get(json, "needs"), &ret->needs, err) ||
        mir_powers_off_from_json(json, &ret->powers_off, err) ||
        mir_kernel_get_name(json, "carrier", carriers, MIR_NELEMS(carriers), &carrier, err))
        return -1;
    ret->verdict = (enum mir_verdict)verdict;
    ret->carrier = (enum mir_carrier)carrier;
    return 0;
}

static int get_families(const json_t *row, struct mir_kernel *k, struct mir_error *err)
{
    const json_t *list = json_object_get(row, "families");
    if (!list)
        return 0;
    if (!json_is_array(list) ||
        json_array_size(list) > MIR_KERNEL_FAMILIES_MAX - (size_t)k->family_count)
        return mir_kernel_bad(err, "families");
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct mir_family *family = &k->families[k->family_count++];
        family->boots = k->boots_count;
        if (get_family(json_array_get(list, i), family, err))
            return -1;
    }
    return 0;
}

static int get_row(const json_t *row, const char *provider, struct mir_kernel *k,
                   struct mir_error *err)
{
    struct mir_boots *boots = &k->boots[k->boots_count];
    unsigned verdict;
    if (mir_copy(boots->provider, sizeof boots->provider, provider) ||
        mir_kernel_get_name(row, "verdict", verdicts, MIR_NELEMS(verdicts), &verdict, err) ||
        mir_kernel_get_text(row, "how", boots->how, sizeof boots->how, err) ||
        mir_kernel_get_text(row, "why", boots->why, sizeof boots->why, err) ||
        get_families(row, k, err))
        return mir_kernel_bad(err, "boots");
    boots->verdict = (enum mir_verdict)verdict;
    k->boots_count++;
    return 0;
}

int mir_boots_from_json(const json_t *json, struct mir_kernel *k, struct mir_error *err)
{
    json_t *map = json_object_get(json, "boots");
    if (!json_is_object(map) || json_object_size(map) > MIR_KERNEL_PROVIDERS_MAX)
        return mir_kernel_bad(err, "boots");
    const char *provider;
    json_t *row;
    json_object_foreach(map, provider, row)
    {
        if (get_row(row, provider, k, err))
            return -1;
    }
    return 0;
}
