/* SPDX-License-Identifier: ISC */
#include "images/report.h"

#include <inttypes.h>
#include <stdio.h>

static void size_text(uint64_t bytes, char *out, size_t size)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes / 1024;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < MIR_NELEMS(units)) {
        value /= 1024;
        unit++;
    }
    if (bytes < 1024)
        snprintf(out, size, "%" PRIu64 " bytes", bytes);
    else
        snprintf(out, size, "%.1f %s", value, units[unit]);
}

static void add_name(const char *name, struct mir_buf *out)
{
    for (; *name; name++) {
        char c = (unsigned char)*name < 0x20 || *name == 0x7f ? '?' : *name;
        mir_buf_add(out, &c, 1);
    }
}

static void add_sizes(const struct mir_kernel *k, struct mir_buf *out)
{
    char packed[32], unpacked[32], memory[32];
    size_text(k->bytes, packed, sizeof packed);
    size_text(k->unpacked_bytes, unpacked, sizeof unpacked);
    size_text(k->min_memory_bytes, memory, sizeof memory);
    if (k->container == MIR_CONTAINER_NONE)
        mir_buf_addf(out, "size        %s\n", packed);
    else
        mir_buf_addf(out, "size        %s (%s), unpacked %s\n", packed,
                     mir_container_name(k->container), unpacked);
    if (k->min_memory_bytes)
        mir_buf_addf(out, "memory      at least %s\n", memory);
}

static void add_devices(const struct mir_kernel *k, struct mir_buf *out)
{
    static const char *const kinds[] = {"network", "block", "other"};
    if (!k->solo5_abi_version)
        return; /* only Solo5 kernels say what they need */
    mir_buf_adds(out, "devices     ");
    for (unsigned i = 0; i < k->device_count; i++)
        mir_buf_addf(out, "%s%s (%s)", i ? ", " : "", k->devices[i].name,
                     kinds[k->devices[i].kind]);
    mir_buf_adds(out, k->device_count ? "\n" : "none\n");
}

static void add_part(const struct mir_kernel *k, struct mir_buf *out)
{
    static const char *const words[] = {
        "arguments",        "deadline",        "deadline from the console",
        "announces itself", "ownership token", "powers off"};
    if (!k->takes_part)
        return;
    mir_buf_adds(out, "takes part  ");
    const char *comma = "";
    for (unsigned i = 0; i < MIR_NELEMS(words); i++) {
        if (!(k->takes_part & (1u << i)))
            continue;
        mir_buf_addf(out, "%s%s", comma, words[i]);
        comma = ", ";
    }
    mir_buf_adds(out, "\n");
}

/* "nitro cannot (xen carrier), xen-hvm unknown, ...": the machines of one provider. */
static void add_families(const struct mir_kernel *k, unsigned boots, struct mir_buf *out)
{
    const char *comma = "            ";
    for (unsigned i = 0; i < k->family_count; i++) {
        const struct mir_family *f = &k->families[i];
        if (f->boots != boots)
            continue;
        mir_buf_addf(out, "%s%s %s", comma, f->family, mir_verdict_name(f->verdict));
        if (f->carrier != MIR_CARRIER_NONE)
            mir_buf_addf(out, " (in a %s carrier)", mir_carrier_name(f->carrier));
        comma = ", ";
    }
    mir_buf_adds(out, "\n");
}

void img_report(const struct mir_kernel *k, const char *name, struct mir_buf *out)
{
    static const char *const power[] = {NULL, "yes", "no"};
    mir_buf_adds(out, "file        ");
    add_name(name, out);
    mir_buf_addf(out, "\nkernel      %s\nformat      %s", k->description,
                 mir_format_name(k->format));
    if (k->arch != MIR_ARCH_UNKNOWN)
        mir_buf_addf(out, ", %s", mir_arch_name(k->arch));
    mir_buf_adds(out, "\n");
    add_sizes(k, out);
    add_devices(k, out);
    if (power[k->powers_off])
        mir_buf_addf(out, "powers off  %s\n", power[k->powers_off]);
    add_part(k, out);
    mir_buf_addf(out, "sha256      %s\n\n", k->sha256);
    for (unsigned i = 0; i < k->boots_count; i++) {
        mir_buf_addf(out, "%-10s  %-10s  %s\n", k->boots[i].provider,
                     mir_verdict_name(k->boots[i].verdict), k->boots[i].why);
        add_families(k, i, out);
    }
}
