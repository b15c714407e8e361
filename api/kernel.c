/* SPDX-License-Identifier: ISC */
#include "api/kernel.h"

#include <inttypes.h>
#include <string.h>

#include "api/json.h"
#include "api/memory.h"
#include "kernel_json.h"

static const char *const containers[] = {"none", "gzip", "bzip2", "xz", "zstd"};

static const char *const formats[] = {
    [MIR_FORMAT_UNKNOWN] = "unknown",       [MIR_FORMAT_XEN_PV] = "xen-pv",
    [MIR_FORMAT_XEN_PVH] = "xen-pvh",       [MIR_FORMAT_SOLO5_HVT] = "solo5-hvt",
    [MIR_FORMAT_SOLO5_SPT] = "solo5-spt",   [MIR_FORMAT_SOLO5_VIRTIO] = "solo5-virtio",
    [MIR_FORMAT_SOLO5_MUEN] = "solo5-muen", [MIR_FORMAT_SOLO5_XEN] = "solo5-xen",
    [MIR_FORMAT_MULTIBOOT1] = "multiboot1", [MIR_FORMAT_MULTIBOOT2] = "multiboot2",
    [MIR_FORMAT_LINUX] = "linux",           [MIR_FORMAT_DISK_RAW] = "disk-raw",
    [MIR_FORMAT_DISK_QCOW2] = "disk-qcow2", [MIR_FORMAT_DISK_VHD] = "disk-vhd",
    [MIR_FORMAT_DISK_VMDK] = "disk-vmdk",   [MIR_FORMAT_ELF] = "elf",
};

static const char *const archs[] = {"unknown", "x86_64", "i386", "aarch64"};
static const char *const device_kinds[] = {"net", "block", "other"};
static const char *const boot_ways[] = {"multiboot1",    "multiboot2", "pvh",   "xen-pv-notes",
                                        "xen-pv-string", "linux",      "solo5", "bios-disk",
                                        "efi-disk",      "efi-app"};
static const char *const parts[] = {"args",     "deadline",   "console-deadline",
                                    "announce", "well-known", "poweroff"};

const char *mir_container_name(enum mir_container container)
{
    return mir_name_at(containers, MIR_NELEMS(containers), container);
}

const char *mir_format_name(enum mir_format format)
{
    return mir_name_at(formats, MIR_NELEMS(formats), format);
}

const char *mir_arch_name(enum mir_arch arch)
{
    return mir_name_at(archs, MIR_NELEMS(archs), arch);
}

int mir_format_by_name(const char *name)
{
    return mir_name_index(formats, MIR_NELEMS(formats), name);
}

int mir_sha256_valid(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static json_t *bits_to_json(uint32_t bits, const char *const *names, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        if (bits & (1u << i))
            json_array_append_new(list, json_string(names[i]));
    return list;
}

static json_t *devices_to_json(const struct mir_kernel *kernel)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < kernel->device_count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "name", kernel->devices[i].name, "kind",
                                              mir_name_at(device_kinds, MIR_NELEMS(device_kinds),
                                                          kernel->devices[i].kind)));
    return list;
}

json_t *mir_kernel_to_json(const struct mir_kernel *k)
{
    return json_pack(
        "{s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:s, s:s, s:o, s:o}",
        "sha256", k->sha256, "table", k->table, "bytes", (json_int_t)k->bytes, "unpacked_bytes",
        (json_int_t)k->unpacked_bytes, "container", mir_container_name(k->container), "format",
        mir_format_name(k->format), "arch", mir_arch_name(k->arch), "boot_ways",
        bits_to_json(k->boot_ways, boot_ways, MIR_NELEMS(boot_ways)), "takes_part",
        bits_to_json(k->takes_part, parts, MIR_NELEMS(parts)), "entry", (json_int_t)k->entry,
        "load_bytes", (json_int_t)k->load_bytes, "min_memory_bytes",
        (json_int_t)k->min_memory_bytes, "solo5_abi_version", (json_int_t)k->solo5_abi_version,
        "powers_off", mir_powers_off_name(k->powers_off), "description", k->description, "devices",
        devices_to_json(k), "boots", mir_boots_to_json(k));
}

/* --- reading: every getter names the field it could not read --- */

static int get_u64(const json_t *json, const char *field, uint64_t *ret, struct mir_error *err)
{
    const json_t *value = json_object_get(json, field);
    if (!json_is_integer(value))
        return mir_kernel_bad(err, field);
    *ret = (uint64_t)json_integer_value(value);
    return 0;
}

/* Sizes are never negative; addresses may be (the upper half of the address space). */
static int get_size(const json_t *json, const char *field, uint64_t *ret, struct mir_error *err)
{
    uint64_t value = 0;
    if (get_u64(json, field, &value, err))
        return -1;
    if (value > INT64_MAX)
        return mir_kernel_bad(err, field);
    *ret = value;
    return 0;
}

static int get_bits(const json_t *json, const char *field, const char *const *names, size_t count,
                    uint32_t *ret, struct mir_error *err)
{
    const json_t *list = json_object_get(json, field);
    if (!json_is_array(list))
        return mir_kernel_bad(err, field);
    uint32_t bits = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        int index = mir_name_index(names, count, json_string_value(json_array_get(list, i)));
        if (index < 0)
            return mir_kernel_bad(err, field);
        bits |= 1u << index;
    }
    *ret = bits;
    return 0;
}

static int get_devices(const json_t *json, struct mir_kernel *k, struct mir_error *err)
{
    const json_t *list = json_object_get(json, "devices");
    if (!json_is_array(list) || json_array_size(list) > MIR_KERNEL_DEVICES_MAX)
        return mir_kernel_bad(err, "devices");
    k->device_count = (unsigned)json_array_size(list);
    for (unsigned i = 0; i < k->device_count; i++) {
        const json_t *item = json_array_get(list, i);
        unsigned kind;
        if (mir_kernel_get_text(item, "name", k->devices[i].name, MIR_DEVICE_NAME, err) ||
            mir_kernel_get_name(item, "kind", device_kinds, MIR_NELEMS(device_kinds), &kind, err))
            return -1;
        k->devices[i].kind = (enum mir_device_kind)kind;
    }
    return 0;
}

static int get_names(const json_t *json, struct mir_kernel *k, struct mir_error *err)
{
    unsigned container, format, arch;
    if (mir_kernel_get_name(json, "container", containers, MIR_NELEMS(containers), &container,
                            err) ||
        mir_kernel_get_name(json, "format", formats, MIR_NELEMS(formats), &format, err) ||
        mir_kernel_get_name(json, "arch", archs, MIR_NELEMS(archs), &arch, err) ||
        mir_powers_off_from_json(json, &k->powers_off, err))
        return -1;
    k->container = (enum mir_container)container;
    k->format = (enum mir_format)format;
    k->arch = (enum mir_arch)arch;
    return 0;
}

static int get_numbers(const json_t *json, struct mir_kernel *k, struct mir_error *err)
{
    uint64_t abi;
    if (get_size(json, "bytes", &k->bytes, err) ||
        get_size(json, "unpacked_bytes", &k->unpacked_bytes, err) ||
        get_u64(json, "entry", &k->entry, err) ||
        get_u64(json, "load_bytes", &k->load_bytes, err) ||
        get_size(json, "min_memory_bytes", &k->min_memory_bytes, err) ||
        get_u64(json, "solo5_abi_version", &abi, err))
        return -1;
    if (abi > UINT32_MAX)
        return mir_kernel_bad(err, "solo5_abi_version");
    k->solo5_abi_version = (uint32_t)abi;
    return 0;
}

/* Documents of before there were editions do not name one. */
static int get_table(const json_t *json, struct mir_kernel *k, struct mir_error *err)
{
    return json_object_get(json, "table")
               ? mir_kernel_get_text(json, "table", k->table, sizeof k->table, err)
               : 0;
}

int mir_kernel_from_json(const json_t *json, struct mir_kernel *ret_kernel, struct mir_error *err)
{
    struct mir_kernel k = {0};
    if (!json_is_object(json))
        return mir_fail(err, MIR_CORRUPT, "kernel document: not an object");
    if (mir_kernel_get_text(json, "sha256", k.sha256, sizeof k.sha256, err) ||
        mir_kernel_get_text(json, "description", k.description, sizeof k.description, err) ||
        get_table(json, &k, err) || get_names(json, &k, err) || get_numbers(json, &k, err) ||
        get_bits(json, "boot_ways", boot_ways, MIR_NELEMS(boot_ways), &k.boot_ways, err) ||
        get_bits(json, "takes_part", parts, MIR_NELEMS(parts), &k.takes_part, err) ||
        get_devices(json, &k, err) || mir_boots_from_json(json, &k, err))
        return -1;
    if (!mir_sha256_valid(k.sha256))
        return mir_kernel_bad(err, "sha256");
    *ret_kernel = k;
    return 0;
}
